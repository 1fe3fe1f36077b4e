// The lines of Node that the product is tested with: those that its users have.

/** The newest of each line, but for 24: its later ones repair what 22 and 24 did to a corked response. */
export const testedNodes = ['20.20.2', '22.23.5', '24.21.0', '26.12.1'] as const;

export function lineOf(version: string): string {
  return version.replace(/^v/, '').split('.')[0] ?? '';
}
