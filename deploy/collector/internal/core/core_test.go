package core

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"spanmap.example/collector/internal/calls"
	"spanmap.example/collector/internal/heap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What little a test needs.
var small = []Setting{{"memory.limit", "32MiB"}, {"pairing.wait", "10ms"}}

func request(t *testing.T, list ...calls.Call) []byte {
	marshaler := ptrace.ProtoMarshaler{}
	data, err := marshaler.MarshalTraces(calls.Traces(list...))
	require.NoError(t, err)
	return data
}

func render(t *testing.T, m *Map, format string) string {
	var text string
	require.NoError(t, m.Render(format, func(data []byte) error {
		text = string(data)
		return nil
	}))
	return text
}

func TestSettingsAreSectionsOrKeys(t *testing.T) {
	settings, err := Settings(map[string]any{
		"pairing":      map[string]any{"wait": "1s", "parent_wait": nil},
		"memory.limit": "64MiB",
		"metrics":      map[string]any{"dimensions": []any{"a<b", "c"}, "operations_max": 12},
		"names":        map[string]any{"cidr": map[string]any{"10.0.0.0/8": "inside"}},
		"map":          nil,
		"draw":         map[string]any{},
	})
	require.NoError(t, err)
	assert.Equal(t, []Setting{
		{"memory.limit", "64MiB"},
		{"metrics.dimensions", `["a<b","c"]`},
		{"metrics.operations_max", "12"},
		{"names.cidr", `{"10.0.0.0/8":"inside"}`},
		{"pairing.parent_wait", ""},
		{"pairing.wait", "1s"},
	}, settings)
	require.NoError(t, Check(settings[:4]))
}

func TestKeysOfAnOptionAreWhatTheyWere(t *testing.T) {
	read := func(names map[string]any) ([]Setting, error) {
		conf := confmap.NewFromStringMap(map[string]any{"names": names}) // Takes "::" for sections.
		return Settings(conf.ToStringMap())
	}
	settings, err := read(map[string]any{"cidr": map[string]any{
		"fd00::/8": "inside", "fd00::1/128": "one", "::1/128": "own", "10.0.0.0/8": "ten"}})
	require.NoError(t, err)
	assert.Equal(t, []Setting{
		{"names.cidr", `{"10.0.0.0/8":"ten","::1/128":"own","fd00::/8":"inside","fd00::1/128":"one"}`}}, settings)
	require.NoError(t, Check(settings))
}

func TestNoOrderIsLost(t *testing.T) {
	rewrite := func(rules any) ([]Setting, error) {
		return Settings(map[string]any{"names": map[string]any{"rewrite": rules}})
	}
	_, err := rewrite(map[string]any{"^b": "x", "^a": "y"})
	require.ErrorContains(t, err, "names.rewrite: write a list")
	settings, err := rewrite([]any{map[string]any{"^b": "x"}, map[string]any{"^a": "y"}})
	require.NoError(t, err)
	assert.Equal(t, []Setting{{"names.rewrite", `[{"^b":"x"},{"^a":"y"}]`}}, settings)
	require.NoError(t, Check(settings))
	settings, err = rewrite(map[string]any{"^b": "x"})
	require.NoError(t, err)
	require.NoError(t, Check(settings))
	_, err = rewrite([]any{map[string]any{"^b": "x", "^a": "y"}})
	require.ErrorContains(t, err, "names.rewrite: write a list")
}

func TestASettingStandsOnce(t *testing.T) {
	_, err := Settings(map[string]any{"pairing": map[string]any{"wait": "1s"}, "pairing.wait": "2s"})
	assert.ErrorContains(t, err, "pairing.wait is set twice")
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	assert.ErrorContains(t, Check([]Setting{{"pairing.wiat", "1s"}}), "pairing.wiat")
	assert.ErrorContains(t, Check([]Setting{{"pairing.wait", "soon"}}), "pairing.wait")
	_, err := Open([]Setting{{"memory.limit", "1B"}})
	assert.ErrorContains(t, err, "memory.limit")
}

func TestWhatIsFedIsCounted(t *testing.T) {
	m, err := Open(small)
	require.NoError(t, err)
	defer m.Close()
	data := request(t, calls.Call{Client: "shop", Server: "stock", Count: 5, Failed: 2})
	var senders sync.WaitGroup
	for range 4 { // Duplicates are told apart.
		senders.Add(1)
		go func() {
			defer senders.Done()
			fed, err := m.Feed(data)
			assert.NoError(t, err)
			assert.EqualValues(t, 10, fed.Spans)
		}()
	}
	senders.Wait()
	require.NoError(t, m.Drain())
	text := render(t, m, "prometheus")
	assert.True(t, strings.Contains(text, `traces_service_graph_request_total{client="shop",server="stock"} 5`))
	assert.True(t, strings.Contains(text, `traces_service_graph_request_failed_total{client="shop",server="stock"} 2`))
	assert.True(t, strings.Contains(text, `spanmap_spans_judged_total{class="duplicate"} 30`))
	_, err = m.Feed(data)
	assert.Error(t, err) // It is drained.
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	m, err := Open(small)
	require.NoError(t, err)
	defer m.Close()
	_, err = m.Feed([]byte("\x0a\xff"))
	var failure *Error
	require.ErrorAs(t, err, &failure)
	assert.False(t, failure.Retryable)
	assert.False(t, IsTooLarge(err))
	_, err = m.Feed(nil) // An empty request is one.
	require.NoError(t, err)
	assert.Error(t, m.Render("bmp", func([]byte) error { return nil }))
}

func TestServeAnswersAsTheDaemonDoes(t *testing.T) {
	m, err := Open(small)
	require.NoError(t, err)
	defer m.Close()
	reply, err := m.Serve(Request{Path: "/api/v1/map"})
	require.NoError(t, err)
	assert.Equal(t, 200, reply.Status)
	assert.Contains(t, reply.ContentType, "application/json")
	assert.True(t, bytes.HasPrefix(reply.Body, []byte("{")))
	reply, err = m.Serve(Request{Path: "/nothing"})
	require.NoError(t, err)
	assert.Equal(t, 404, reply.Status)
	reply, err = m.Serve(Request{Path: "/", AcceptEncoding: "gzip"})
	require.NoError(t, err)
	assert.Equal(t, 200, reply.Status)
	assert.Contains(t, reply.ContentType, "text/html")
}

func TestAClosedMapSaysSo(t *testing.T) {
	m, err := Open(small)
	require.NoError(t, err)
	m.Close()
	m.Close()
	_, err = m.Feed(nil)
	require.ErrorIs(t, err, ErrClosed)
	_, err = m.Serve(Request{Path: "/"})
	require.ErrorIs(t, err, ErrClosed)
	require.ErrorIs(t, m.Drain(), ErrClosed)
	require.ErrorIs(t, m.Render("json", nil), ErrClosed)
}

func TestRoundsLeaveNothing(t *testing.T) {
	data := request(t, calls.Call{Client: "shop", Server: "stock", Count: 50})
	round := func() {
		m, err := Open(small)
		require.NoError(t, err)
		_, err = m.Feed(data)
		require.NoError(t, err)
		require.NoError(t, m.Drain())
		require.True(t, strings.Contains(render(t, m, "otlp"), "traces_service_graph_request_total"))
		_, err = m.Serve(Request{Path: "/api/v1/map"})
		require.NoError(t, err)
		m.Close()
	}
	for range 3 {
		round()
	}
	held, threads := heap.Bytes(), tasks(t)
	for range 100 {
		round()
	}
	assert.Less(t, heap.Bytes()-held, heap.Noise())
	// Go's own threads come and go: less than one a round is no leak.
	assert.Less(t, tasks(t)-threads, 50)
}

func tasks(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	return len(entries)
}
