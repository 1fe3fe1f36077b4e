// Which program this is. The two constants are put in by scripts/build.ts.
declare const __VERSION__: string;
declare const __FINGERPRINT__: string;

/** Wrapper and daemon of one major understand each other; another major lives beside it under another socket name. */
export const protocolMajor = 1;

export type Build = { version: string; fingerprint: string };

export const ownBuild: Build = { version: __VERSION__, fingerprint: __FINGERPRINT__ };

export function describeBuild(build: Build): string {
  return `${build.version}+${build.fingerprint}`;
}

/** Negative if a is older. Only plain x.y.z; anything after a hyphen counts as older than the release itself. */
export function compareVersions(a: string, b: string): number {
  const [coreA = '', preA] = a.split('-', 2);
  const [coreB = '', preB] = b.split('-', 2);
  const [partsA, partsB] = [coreA.split('.').map(Number), coreB.split('.').map(Number)];
  for (let i = 0; i < 3; i += 1) {
    const difference = (partsA[i] ?? 0) - (partsB[i] ?? 0);
    if (difference !== 0) return difference;
  }
  if (preA === preB) return 0;
  if (preA === undefined) return 1;
  return preB === undefined ? -1 : preA < preB ? -1 : 1;
}
