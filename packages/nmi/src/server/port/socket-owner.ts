/** Makes sockets of another uid than this process has. */
export interface SocketOwner {
  /** Whose the sockets are that are made between `begin` and `end`. */
  readonly uid: number;
  begin(): void;
  end(): void;
  /** From now on sockets are the process's own. */
  giveUp(): void;
}

/**
 * Nobody else's on the node: the kernel lets sockets share a port only if they have the same uid, so that a program of root, or of
 * any other user, can't join ours by chance. A program of root that wants to can take this uid on.
 */
const agentUid = 42_579;

/** Only root can take another uid on, and not without the capability SETUID; anybody else's sockets are his own. */
export function createSocketOwner(): SocketOwner {
  const own = process.geteuid?.() ?? -1;
  let uid = own === 0 ? agentUid : own;
  const giveUp = () => void (uid = own);
  return {
    get uid() {
      return uid;
    },
    begin() {
      if (uid === own) return;
      try {
        process.seteuid?.(uid);
      } catch {
        giveUp();
      }
    },
    end() {
      if (uid !== own) process.seteuid?.(own);
    },
    giveUp,
  };
}
