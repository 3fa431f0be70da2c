import assert from "node:assert/strict";
import { test } from "node:test";

import { hiddenKeys, turnType } from "../../exporters/web/filter.js";
import { USUAL } from "../../exporters/web/link.js";
import { readMap } from "../../exporters/web/model.js";
import { sample } from "./sample.js";

const map = readMap(sample());

test("usually everything is shown", () => {
  assert.equal(hiddenKeys(map, USUAL), null);
});

test("a hidden type goes with its edges", () => {
  assert.deepEqual(hiddenKeys(map, { ...USUAL, hide: "database,user" }),
    new Set(["edge:service/shop/b|database//db|database", "node:database//db"]));
});

test("only what fails has its two ends with it", () => {
  assert.deepEqual(hiddenKeys(map, { ...USUAL, failing: true }),
    new Set(["edge:service/shop/b|database//db|database", "node:database//db"]));
  assert.equal(hiddenKeys(readMap(sample({ failed: 0 })), { ...USUAL, failing: true })?.size, 5);
});

test("a type is turned off and on", () => {
  assert.equal(turnType("", "user"), "user");
  assert.equal(turnType("user", "database"), "database,user");
  assert.equal(turnType("database,user", "database"), "user");
  assert.equal(turnType("user", "user"), "");
});
