// Numbers that SQLite has strung together (group_concat): one text for thousands of them takes a tenth of the time of a row for each. Pure.

/** @param text whole numbers that are not negative, separated by commas; `count` of them */
export function readNumbers(text: string, count: number): Uint32Array {
  const numbers = new Uint32Array(count);
  let at = 0;
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2c) {
      numbers[at++] = number;
      number = 0;
    } else number = number * 10 + code - 0x30;
  }
  if (count) numbers[at] = number;
  return numbers;
}
