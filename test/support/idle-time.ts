// The idle time of a daemon as something that happens: another one, which nobody needs, ends.
import { DaemonRig } from './daemon-rig.ts';

/** From now on it has passed for every daemon that has the same `idleExitMs` (300 as the rig has it), and for those with less. */
export async function idleTimePasses(): Promise<void> {
  const plain = new DaemonRig();
  try {
    plain.writeConfig({});
    const session = await plain.open();
    await session.close();
    await plain.nothingLeft();
  } finally {
    await plain.dispose();
  }
}
