// Names of daemons that serve one session: the wrapper's own, so no other wrapper ever asks for it.

export function aloneName(wrapperPid: number): string {
  const unique = Math.floor(Math.random() * 2 ** 32).toString(16);
  return `alone-${wrapperPid}-${unique}`;
}

/** The wrapper of the daemon that a file in the run folder belongs to; undefined for any other file. */
export function aloneOwner(file: string): { name: string; wrapperPid: number } | undefined {
  const match = /^mcp-proxy-(alone-([1-9]\d{0,9})-[0-9a-f]{1,8})\./.exec(file);
  return match?.[1] === undefined ? undefined : { name: match[1], wrapperPid: Number(match[2]) };
}
