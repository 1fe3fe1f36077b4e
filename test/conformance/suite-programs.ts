// The official suite and a Node that runs it: its imports need 22.
import { fetchNode, fetchPackage } from '../support/fetched-package.ts';

export const suiteVersion = '0.2.0-alpha.12';
const nodeVersion = '22.23.3';

export type SuitePrograms = { node: string; suite: string };

export async function fetchSuite(): Promise<SuitePrograms> {
  const own = Number(process.versions.node.split('.')[0]);
  const node = own >= 22 ? process.execPath : await fetchNode(nodeVersion);
  const name = '@modelcontextprotocol/conformance';
  return { node, suite: await fetchPackage({ name, version: suiteVersion, file: 'dist/index.js' }) };
}
