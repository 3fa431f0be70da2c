// Package core is spanmap's C library, as the Collector's components use it: spans in, metrics and maps out.
// A Map may be used by any number of goroutines at once.
package core

/*
#cgo pkg-config: spanmap
#cgo noescape spanmap_feed
#cgo nocallback spanmap_feed
#include <stdlib.h>
#include <spanmap.h>
*/
import "C"

import (
	"errors"
	"strings"
	"sync"
	"time"
	"unsafe"

	"spanmap.example/collector/internal/wire"
)

// ErrClosed is what a Map that was closed answers.
var ErrClosed = errors.New("the map is closed")

// Error is what the library says of a call that failed.
type Error struct {
	Code int
	Text string
	// Retryable: the very same call may succeed later, best after Delay.
	Retryable bool
	Delay     time.Duration
}

func (e *Error) Error() string { return e.Text }

// IsTooLarge tells whether less at once would have been taken.
func IsTooLarge(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.Code == C.SPANMAP_TOO_LARGE
}

// Version is the library's.
func Version() string { return C.GoString(C.spanmap_version()) }

func newError() *C.struct_spanmap_error {
	return &C.struct_spanmap_error{size: C.sizeof_struct_spanmap_error}
}

func failure(code C.int, from *C.struct_spanmap_error) error {
	text := strings.TrimSpace(C.GoString(&from.text[0]))
	if text == "" {
		text = C.GoString(C.spanmap_code_text(code))
	}
	return &Error{
		Code:      int(code),
		Text:      text,
		Retryable: from.is_retryable != 0,
		Delay:     time.Duration(from.retry_delay_ns),
	}
}

// withOptions calls the library with settings as it wants them, which live as long as the call.
func withOptions(settings []Setting, call func(*C.struct_spanmap_options, *C.struct_spanmap_error) C.int) error {
	size := C.size_t(C.sizeof_struct_spanmap_setting)
	rows := C.calloc(C.size_t(len(settings)+1), size)
	if rows == nil {
		return errors.New("no memory for the options")
	}
	defer C.free(rows)
	list := unsafe.Slice((*C.struct_spanmap_setting)(rows), len(settings)+1)
	for i, setting := range settings {
		list[i].key = C.CString(setting.Key)
		list[i].value = C.CString(setting.Value)
		defer C.free(unsafe.Pointer(list[i].key))
		defer C.free(unsafe.Pointer(list[i].value))
	}
	options := (*C.struct_spanmap_options)(C.calloc(1, C.sizeof_struct_spanmap_options))
	if options == nil {
		return errors.New("no memory for the options")
	}
	defer C.free(unsafe.Pointer(options))
	options.size = C.sizeof_struct_spanmap_options
	options.settings = &list[0]
	options.settings_count = C.size_t(len(settings))
	from := newError()
	if code := call(options, from); code != 0 {
		return failure(code, from)
	}
	return nil
}

// Check tells what is wrong with settings; nil: Open would take them.
func Check(settings []Setting) error {
	return withOptions(settings, func(options *C.struct_spanmap_options, from *C.struct_spanmap_error) C.int {
		return C.spanmap_check(options, from)
	})
}

// optionKeys are those of the library's table.
func optionKeys() map[string]bool {
	keys := map[string]bool{}
	for i := C.size_t(0); ; i++ {
		row := C.struct_spanmap_option{size: C.sizeof_struct_spanmap_option}
		if C.spanmap_get_option(i, &row) != 0 {
			return keys
		}
		keys[C.GoString(row.key)] = true
	}
}

// filterHas is the library's own word on a filter.
func filterHas(filter *wire.Filter, key string) bool {
	first := C.char(0)
	if key != "" {
		first = C.char(key[0])
	}
	return C.spanmap_filter_has((*C.uint32_t)(&filter[0]), &first, C.size_t(len(key))) != 0
}

// Map counts what it is fed.
type Map struct {
	mutex  sync.RWMutex // Held for reading by each call, so that none is in the library once it is closed.
	handle *C.struct_spanmap
}

// Open begins to count. What it returns must be closed.
func Open(settings []Setting) (*Map, error) {
	m := &Map{}
	err := withOptions(settings, func(options *C.struct_spanmap_options, from *C.struct_spanmap_error) C.int {
		return C.spanmap_open(options, from, &m.handle)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// OpenStill opens a map whose clock stands: what it says follows from what it is fed alone, to the byte.
func OpenStill(settings []Setting, unixNano uint64) (*Map, error) {
	m := &Map{}
	err := withOptions(settings, func(options *C.struct_spanmap_options, from *C.struct_spanmap_error) C.int {
		options.clock = C.SPANMAP_CLOCK_GIVEN
		options.start_unix_nano = C.uint64_t(unixNano)
		return C.spanmap_open(options, from, &m.handle)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// call runs one call of the library on a map that is open.
func (m *Map) call(run func(from *C.struct_spanmap_error) C.int) error {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	if m.handle == nil {
		return ErrClosed
	}
	from := newError()
	if code := run(from); code != 0 {
		return failure(code, from)
	}
	return nil
}

// Fed is what became of a request.
type Fed struct {
	Spans    uint64
	Rejected uint64
	Message  string
}

// feeding is what one call of spanmap_feed fills; it is large, and there is one a request.
type feeding struct {
	fed  C.struct_spanmap_fed
	from C.struct_spanmap_error
}

var feedings = sync.Pool{New: func() any {
	return &feeding{
		fed:  C.struct_spanmap_fed{size: C.sizeof_struct_spanmap_fed},
		from: C.struct_spanmap_error{size: C.sizeof_struct_spanmap_error},
	}
}}

// Feed takes one ExportTraceServiceRequest on, whole or not at all.
func (m *Map) Feed(request []byte) (Fed, error) {
	m.mutex.RLock()
	defer m.mutex.RUnlock()
	if m.handle == nil {
		return Fed{}, ErrClosed
	}
	filled := feedings.Get().(*feeding)
	defer feedings.Put(filled)
	code := C.spanmap_feed(m.handle, C.SPANMAP_PROTOBUF, unsafe.Pointer(unsafe.SliceData(request)),
		C.size_t(len(request)), 0, &filled.from, &filled.fed)
	out := Fed{Spans: uint64(filled.fed.spans), Rejected: uint64(filled.fed.rejected)}
	if filled.fed.message != nil {
		out.Message = C.GoString(filled.fed.message)
	}
	if code != 0 {
		return out, failure(code, &filled.from)
	}
	return out, nil
}

// Filter tells which keys of spans' attributes this map reads (spanmap.h); of a map that is open.
func (m *Map) Filter() wire.Filter {
	return wire.Filter(unsafe.Slice((*uint32)(C.spanmap_get_filter(m.handle)), C.SPANMAP_FILTER_WORDS))
}

// Drain takes nothing on any more and judges all that still waits.
func (m *Map) Drain() error {
	return m.call(func(from *C.struct_spanmap_error) C.int { return C.spanmap_drain(m.handle, from) })
}

// Render hands the map of this moment to `use`, in a format of the library; the bytes are good until it
// returns.
func (m *Map) Render(format string, use func(data []byte) error) error {
	var snapshot *C.struct_spanmap_snapshot
	err := m.call(func(from *C.struct_spanmap_error) C.int { return C.spanmap_take(m.handle, from, &snapshot) })
	if err != nil {
		return err
	}
	defer C.spanmap_release(snapshot)
	name := C.CString(format)
	defer C.free(unsafe.Pointer(name))
	var data *C.char
	var size C.size_t
	from := newError()
	if code := C.spanmap_render(snapshot, name, nil, from, &data, &size); code != 0 {
		return failure(code, from)
	}
	defer C.spanmap_free(unsafe.Pointer(data))
	return use(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)))
}

// Request is a GET or a HEAD.
type Request struct {
	Path           string // Percent-decoded, without a zero byte.
	Query          string
	Accept         string
	AcceptEncoding string
	IfNoneMatch    string
	Head           bool
}

// Reply is what the daemon's web door would answer.
type Reply struct {
	Status      int
	ContentType string
	Encoding    string
	Headers     string // Further ones, a line each.
	Body        []byte
}

// Serve answers a request.
func (m *Map) Serve(request Request) (Reply, error) {
	ask := (*C.struct_spanmap_request)(C.calloc(1, C.sizeof_struct_spanmap_request))
	if ask == nil {
		return Reply{}, errors.New("no memory for the request")
	}
	defer C.free(unsafe.Pointer(ask))
	ask.size = C.sizeof_struct_spanmap_request
	for text, place := range map[*string]**C.char{
		&request.Path: &ask.path, &request.Query: &ask.query, &request.Accept: &ask.accept,
		&request.AcceptEncoding: &ask.accept_encoding, &request.IfNoneMatch: &ask.if_none_match,
	} {
		if *text != "" {
			*place = C.CString(*text)
			defer C.free(unsafe.Pointer(*place))
		}
	}
	if request.Head {
		ask.is_head = 1
	}
	answer := C.struct_spanmap_reply{size: C.sizeof_struct_spanmap_reply}
	err := m.call(func(from *C.struct_spanmap_error) C.int {
		return C.spanmap_serve(m.handle, ask, from, &answer)
	})
	if err != nil {
		return Reply{}, err
	}
	defer C.spanmap_reply_release(&answer)
	reply := Reply{Status: int(answer.status), ContentType: C.GoString(answer.content_type),
		Encoding: C.GoString(answer.encoding), Headers: C.GoString(answer.headers)}
	if answer.body != nil {
		// A copy, so that a slow reader holds none of the library's memory.
		reply.Body = append([]byte{}, unsafe.Slice((*byte)(unsafe.Pointer(answer.body)), int(answer.body_size))...)
	}
	return reply, nil
}

// Close waits for the calls that are under way, and gives back all that the library holds. A second time
// it does nothing.
func (m *Map) Close() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.handle != nil {
		C.spanmap_close(m.handle)
		m.handle = nil
	}
}
