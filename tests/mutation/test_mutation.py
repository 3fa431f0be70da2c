"""The list of faults is kept true, and a few of them are made. `make mutation` makes them all."""

import pytest
from faults import FAULTS
from mutant import caught_by, is_found

SAMPLE_STEP = 20


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_text_of_each_fault_is_found_once(fault):
    assert is_found(fault), (f"{fault.file} does not hold once: {fault.text!r}\n"
                             "Tests of this rule are proven by that fault: find its new place.")
    assert fault.text != fault.instead


@pytest.mark.parametrize("fault", FAULTS[::SAMPLE_STEP], ids=str)
def test_a_fault_is_noticed(fault):
    assert caught_by(fault), f"no test notices that this rule is broken: {fault}"
