/* format.js: numbers as people read them.
 * A figure is never rounded to a claim that is not true: a share that is not zero never reads
 * "0%", and one that is not whole never reads "100%". What was not observed reads NONE.
 */

export const NONE = "–";

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const fractional = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });

/**
 * Three significant digits, without trailing zeros behind the point: 1.2, 12.3, 123, 1,234.
 * @param {number} value
 */
function significant(value) {
  if (value >= 100) return grouped.format(value);
  const digits = value >= 10 ? 1 : 2;
  return String(Number(value.toFixed(digits)));
}

/**
 * Requests or spans; sampled traffic has fractions.
 * @param {number} count
 */
export function formatCount(count) {
  return Number.isInteger(count) ? grouped.format(count) : fractional.format(count);
}

/**
 * @param {number|null} perSecond null: not known yet
 */
export function formatRate(perSecond) {
  if (perSecond === null || !Number.isFinite(perSecond)) return NONE;
  if (perSecond === 0) return "0/s";
  if (perSecond < 0.01) return "<0.01/s";
  if (perSecond < 9999.5) return `${significant(perSecond)}/s`;
  if (perSecond < 999500) return `${significant(perSecond / 1e3)}k/s`;
  return `${significant(perSecond / 1e6)}M/s`;
}

/**
 * The share of `part` in `whole`.
 * @param {number|null} part
 * @param {number|null} whole
 */
export function formatShare(part, whole) {
  if (part === null || whole === null || !(whole > 0)) return NONE;
  if (part <= 0) return "0%";
  if (part >= whole) return "100%";
  const percent = (part / whole) * 100;
  if (percent < 0.05) return "<0.1%";
  if (percent >= 99.95) return ">99.9%";
  if (percent < 9.95 || percent >= 99) return `${Number(percent.toFixed(1))}%`;
  return `${Math.round(percent)}%`;
}

/**
 * @param {number|null|undefined} seconds a duration
 */
export function formatSeconds(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  if (seconds === 0) return "0 ms";
  if (seconds < 0.9995e-6) return `${significant(seconds * 1e9)} ns`;
  if (seconds < 0.9995e-3) return `${significant(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${significant(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${significant(seconds)} s`;
  return formatSpan(seconds);
}

/**
 * A stretch of time, in its two largest units: "14 min", "2 h 5 min".
 * @param {number} seconds
 */
export function formatSpan(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  /** @type {[number, string][]} */
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  for (const [index, [size, name]] of units.entries()) {
    if (whole < size) continue;
    const count = Math.floor(whole / size);
    const next = units[index + 1];
    const rest = next ? Math.floor((whole - count * size) / next[0]) : 0;
    const head = `${grouped.format(count)} ${name}`;
    // Past ten minutes seconds only flicker.
    const tail = next && rest > 0 && !(size === 60 && count >= 10);
    return tail ? `${head} ${rest} ${next[1]}` : head;
  }
  return "0 s";
}

/**
 * @param {number} seconds how long ago
 */
export function formatAge(seconds) {
  return seconds < 1 ? "just now" : `${formatSpan(seconds)} ago`;
}

/**
 * The time of day, with the date where it is another day's.
 * @param {number} time ms since 1970
 * @param {number} now
 */
export function formatClock(time, now) {
  const date = new Date(time);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === new Date(now).toDateString()) return clock;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock}`;
}

/**
 * @param {number} count
 * @param {string} singular
 * @param {string} [plural]
 */
export function plural(count, singular, plural = `${singular}s`) {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}
