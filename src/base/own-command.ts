// The command as a person can type it: our folder is on nobody's PATH. The CLI puts the reader's own way in its place.

export function ownCommand(words: string): string {
  return `~/.aitkit/bin/mcp-proxy ${words}`;
}
