/** What to tell a person whose Node is too old, or undefined if it will do. */
export function whyNodeTooOld(version: string): string | undefined {
  const major = Number(version.replace(/^v/, '').split('.')[0]);
  if (major >= 20) return undefined;
  return [
    `mcp-proxy needs Node.js 20 or newer; this is ${version}.`,
    'Install it from https://nodejs.org (or with your version manager: nvm install 20, fnm install 20) and run this again.',
  ].join('\n');
}
