import assert from "node:assert/strict";
import { test } from "node:test";

import { readLink, writeLink } from "../../exporters/web/link.js";
import { keyOfNodeId } from "../../exporters/web/model.js";

test("a link is read as it was written", () => {
  /** @type {import("../../exporters/web/link.js").Link[]} */
  const links = [
    { select: "", view: "map", query: "", sort: "" },
    { select: keyOfNodeId("service//a&b=c#d|e%41"), view: "edges", query: "a&b=c #+%", sort: "-p95" },
    { select: "edge:service//a|service//b|", view: "services", query: "ü", sort: "name" },
  ];
  for (const link of links) assert.deepEqual(readLink(writeLink(link)), link);
});

test("the address stays readable", () => {
  assert.equal(writeLink({ select: "node:service//checkout", view: "map", query: "", sort: "" }), "#select=node:service//checkout");
  assert.equal(writeLink({ select: "", view: "map", query: "", sort: "" }), "#");
});

test("nonsense is as nothing", () => {
  for (const hash of ["", "#", "#main", "#view=nowhere&sort=<b>&q=%zz", "#&&=&x=1"]) {
    assert.deepEqual(readLink(hash), { select: "", view: "map", query: "", sort: "" });
  }
});
