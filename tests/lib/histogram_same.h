/* histogram_same.h: whether two histograms say the same.
 * Is: one assertion for cmocka's tests.
 */
#ifndef SPANMAP_TESTS_LIB_HISTOGRAM_SAME_H
#define SPANMAP_TESTS_LIB_HISTOGRAM_SAME_H

#include "tests/lib/test.h"
#include "topology/histogram.h"

/* Everything that an exporter may read. */
static inline void assert_histograms_same(const struct histogram *a, const struct histogram *b)
{
    assert_true(a->count == b->count && a->sum == b->sum && a->zero_count == b->zero_count);
    assert_true(a->count == 0 || (a->min_ns == b->min_ns && a->max_ns == b->max_ns));
    assert_memory_equal(a->classic, b->classic, sizeof(a->classic));
    assert_int_equal(a->length, b->length);
    if (a->length == 0)
        return;
    assert_int_equal(a->scale, b->scale);
    assert_int_equal(a->offset, b->offset);
    assert_memory_equal(a->buckets, b->buckets, a->length * sizeof(*a->buckets));
}

#endif
