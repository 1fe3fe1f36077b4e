// Secrets never reach log, status or an error. Two nets: values that the config names as secret, and well-known shapes.

export type Redactor = {
  /** Values shorter than six characters are not taken: replacing "true" or "8080" everywhere would hide more than it protects. */
  add: (value: string) => void;
  redact: (text: string) => string;
};

const shapes: readonly RegExp[] = [
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/g,
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\bxox[abprs]-[A-Za-z0-9-]{10,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /(?<=\bBearer\s)[A-Za-z0-9._~+/=-]{8,}/gi,
  /(?<=\b(?:api[_-]?key|token|secret|password|passwd|authorization)["']?\s*[=:]\s*["']?)(?!Bearer\b)[^\s"',;&]{6,}/gi,
  /(?<=:\/\/[^\s/:@]*:)[^\s/@]+(?=@)/g,
];

export function createRedactor(): Redactor {
  const values = new Set<string>();
  return {
    add: (value) => {
      if (value.length < 6) return;
      // As it is, and as it looks in a line of JSON or in a URL.
      for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)]) values.add(form);
    },
    redact: (text) => {
      let clean = text;
      for (const value of values) clean = clean.replaceAll(value, '[redacted]');
      for (const shape of shapes) clean = clean.replace(shape, '[redacted]');
      return clean;
    },
  };
}
