import assert from "node:assert/strict";
import { test } from "node:test";

import {
  formatAge, formatClock, formatCount, formatRate, formatSeconds, formatShare, formatSpan, NONE, plural,
} from "../../exporters/web/format.js";

/**
 * @param {(value: any) => string} format
 * @param {[any, string][]} table
 */
function check(format, table) {
  for (const [value, text] of table) assert.equal(format(value), text, `${format.name}(${value})`);
}

test("formatRate keeps three digits and never shows nothing for something", () => {
  check(formatRate, [
    [0, "0/s"], [0.0001, "<0.01/s"], [0.0099, "<0.01/s"], [0.01, "0.01/s"], [0.5, "0.5/s"], [1.234, "1.23/s"],
    [12.34, "12.3/s"], [123.4, "123/s"], [1234, "1,234/s"], [9999, "9,999/s"], [12345, "12.3k/s"],
    [999499, "999k/s"], [999500, "1M/s"], [1234567, "1.23M/s"], [null, NONE], [NaN, NONE], [Infinity, NONE],
  ]);
});

test("formatShare never rounds to none or to all", () => {
  const share = (/** @type {[number|null, number|null]} */ [part, whole]) => formatShare(part, whole);
  check(share, [
    [[0, 10], "0%"], [[1, 1_000_000], "<0.1%"], [[1, 1000], "0.1%"], [[99, 1000], "9.9%"], [[995, 10000], "10%"],
    [[1, 3], "33%"], [[989, 1000], "99%"], [[9999, 10000], ">99.9%"], [[10, 10], "100%"],
    [[999, 1000], "99.9%"], [[0, 0], NONE], [[null, 1], NONE], [[1, null], NONE],
  ]);
});

test("formatSeconds chooses the unit after rounding", () => {
  check(formatSeconds, [
    [0, "0 ms"], [5e-9, "5 ns"], [0.9999e-6, "1 µs"], [1.5e-4, "150 µs"], [0.00099996, "1 ms"], [0.0123, "12.3 ms"],
    [0.99996, "1 s"], [1, "1 s"], [1.234, "1.23 s"], [59.9, "59.9 s"], [59.99, "1 min"], [61, "1 min 1 s"],
    [3661, "1 h 1 min"], [null, NONE], [undefined, NONE], [NaN, NONE],
  ]);
});

test("formatSpan shows the two largest units", () => {
  check(formatSpan, [
    [0, "0 s"], [59, "59 s"], [60, "1 min"], [119, "1 min 59 s"], [615, "10 min"], [3600, "1 h"],
    [7500, "2 h 5 min"], [90000, "1 d 1 h"], [86400 * 1234, "1,234 d"], [-5, "0 s"],
  ]);
});

test("formatCount groups, and keeps fractions of sampled traffic", () => {
  check(formatCount, [[0, "0"], [1234567, "1,234,567"], [1.3333, "1.33"], [1000.5, "1,000.5"]]);
});

test("plural counts in words", () => {
  assert.equal(plural(1, "edge"), "1 edge");
  assert.equal(plural(1200, "edge"), "1,200 edges");
  assert.equal(plural(2, "city", "cities"), "2 cities");
});

test("formatAge and formatClock", () => {
  assert.equal(formatAge(0.4), "just now");
  assert.equal(formatAge(12), "12 s ago");
  const noon = new Date(2030, 0, 2, 12, 3, 4).getTime();
  assert.equal(formatClock(noon, noon + 1000), "12:03:04");
  assert.equal(formatClock(noon, noon + 86400000), "2030-01-02 12:03:04");
});
