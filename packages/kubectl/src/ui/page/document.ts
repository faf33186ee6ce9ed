/** What the server returns for `/`. All that the page shows comes from its script. */
export const pageDocument = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Pod Identity</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/page.css" />
    <script type="module" src="/page.js"></script>
  </head>
  <body>
    <noscript>This page needs JavaScript. kubectl azure-pod-identity status says the same in a terminal.</noscript>
  </body>
</html>
`;
