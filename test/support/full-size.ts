// Some tests repeat one thing often to find what is rare. The gate repeats it as often as shows that it works; `npm run
// test:full` as often as it takes to be sure, which is too long for every change.

export const isFullSize = process.env['MCP_PROXY_TEST_FULL'] === '1';

export function size(full: number, ofGate: number): number {
  return isFullSize ? full : ofGate;
}
