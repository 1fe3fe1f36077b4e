/** Files that name the version; the second group is the version itself. */
export const versionPlaces: readonly { file: string; pattern: RegExp }[] = [
  { file: 'package.json', pattern: /^(\s*"version": ")([^"]+)(")/m },
  { file: '.claude-plugin/plugin.json', pattern: /^(\s*"version": ")([^"]+)(")/m },
];
