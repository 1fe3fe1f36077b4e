// Before the files that need them run side by side: what they would otherwise fetch each for itself. Without a network the
// tests say so themselves.
import { fetchSuite } from '../conformance/suite-programs.ts';
import { clientVersions, ensureClient } from './claude/client-binary.ts';

export default async function setup(): Promise<void> {
  await Promise.allSettled([fetchSuite(), ...clientVersions.map(ensureClient)]);
}
