/* labels.js: which names are written when not all have room. Pure arithmetic.
 * Far away names are larger than the drawing gave them room for. Busier elements go first, as on a
 * road map; a name that would lie over one that is written already is left out.
 */

/** Of a letter, as a share of the height of the font; a little more than most. */
const LETTER_WIDTH = 0.6;
const LINE_HEIGHT = 1.05;

/**
 * @typedef {{key: string, x: number, y: number, letters: number, weight: number}} Label
 *   x, y: its middle in the drawing
 */

/**
 * How wide a text is likely to be.
 * @param {number} letters
 * @param {number} fontSize
 */
export function textWidth(letters, fontSize) {
  return letters * LETTER_WIDTH * fontSize;
}

/**
 * The keys of the labels that are written.
 * @param {Label[]} labels
 * @param {number} fontSize in the drawing's units
 * @returns {Set<string>}
 */
export function chooseLabels(labels, fontSize) {
  const height = fontSize * LINE_HEIGHT;
  /** @type {Map<number, [number, number, number][]>} from, to and y of what is written, by row */
  const rows = new Map();
  /** @type {Set<string>} */
  const chosen = new Set();
  const byWeight = [...labels].sort((a, b) => b.weight - a.weight || (a.key < b.key ? -1 : 1));
  for (const { key, x, y, letters } of byWeight) {
    const half = textWidth(letters, fontSize) / 2;
    const row = Math.floor(y / height);
    const near = [row - 1, row, row + 1].flatMap((index) => rows.get(index) ?? []);
    const free = near.every(([from, to, at]) => x + half <= from || x - half >= to || Math.abs(y - at) >= height);
    if (!free) continue;
    chosen.add(key);
    const own = rows.get(row) ?? [];
    own.push([x - half, x + half, y]);
    rows.set(row, own);
  }
  return chosen;
}
