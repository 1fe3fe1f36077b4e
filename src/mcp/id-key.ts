// Ids are repeated as they were written, and compared by what they mean: one program may write 7, 7.0 and 7e0 for the same.

/** Longer numbers are compared by their spelling: nobody counts that far. */
const maxNumberChars = 64;
/** As many digits as every reader takes exactly. */
const usualDigits = 15;
const number = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/;

/** Equal for equal ids, whatever their spelling; a number and a string never meet. */
export function idKey(idText: string): string {
  if (!idText.startsWith('"')) return /^[1-9]\d{0,14}$/.test(idText) ? idText : numberKey(idText);
  return idText.includes('\\') ? JSON.stringify(JSON.parse(idText)) : idText;
}

/** Exactly: two numbers that a double cannot tell apart are two ids. What is no number stays what it is. */
function numberKey(text: string): string {
  const [, sign, whole, fraction = '', power = '0'] =
    (text.length <= maxNumberChars ? number.exec(text) : undefined) ?? [];
  if (sign === undefined || whole === undefined) return text;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const exponent = BigInt(power) - BigInt(fraction.length) + BigInt(digits.length - significant.length);
  const isUsual = exponent >= 0n && BigInt(significant.length) + exponent <= BigInt(usualDigits);
  return `${sign}${significant}${isUsual ? '0'.repeat(Number(exponent)) : `e${exponent}`}`;
}
