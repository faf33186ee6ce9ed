/** ARM ids by their last part. */
export const shortIds = (text: string) =>
  text.replaceAll(/\/subscriptions\/[^\s·,;)]*\/([^\s/·,;)]+)/g, '$1');
