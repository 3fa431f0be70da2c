// Package heap tells tests what C still holds.
package heap

/*
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

// An XML text, to be freed.
static char *describe(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out == NULL)
        return NULL;
    malloc_info(0, out);
    fclose(out);
    return text;
}
*/
import "C"

import (
	"os"
	"regexp"
	"strconv"
	"unsafe"
)

// Of all arenas together, which stand last.
var totals = regexp.MustCompile(`<(?:total type="(fast|rest|mmap)" count="\d+"|system type="(current)") size="(\d+)"/>`)

// Noise is what Bytes may grow by though nothing is left. Each thread keeps some of what was given back,
// unless glibc is told not to (`make collector-test` does): then it is next to nothing.
func Noise() int {
	if os.Getenv("GLIBC_TUNABLES") == "glibc.malloc.tcache_count=0" {
		return 4096
	}
	return 2 << 20
}

// Bytes are those that C's allocator has handed out, in all arenas, and not got back.
func Bytes() int {
	text := C.describe()
	defer C.free(unsafe.Pointer(text))
	sizes := map[string]int{}
	for _, match := range totals.FindAllStringSubmatch(C.GoString(text), -1) {
		size, _ := strconv.Atoi(match[3])
		sizes[match[1]+match[2]] = size
	}
	return sizes["current"] + sizes["mmap"] - sizes["fast"] - sizes["rest"]
}
