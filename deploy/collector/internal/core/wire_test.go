package core

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"spanmap.example/collector/internal/odd"
	"spanmap.example/collector/internal/wire"
)

// Two maps: one is fed what the Collector's own marshaler writes, the other what ours leaves of it.
type pair struct {
	whole, least *Map
	writer       *wire.Writer
}

func openPair(t *testing.T, settings ...Setting) *pair {
	var maps [2]*Map
	for i := range maps {
		m, err := OpenStill(append([]Setting{{"memory.limit", "256MiB"}}, settings...), odd.Start)
		require.NoError(t, err)
		t.Cleanup(m.Close)
		maps[i] = m
	}
	return &pair{whole: maps[0], least: maps[1], writer: wire.NewWriter(maps[1].Filter())}
}

// feed says whether it was taken.
func (p *pair) feed(t *testing.T, traces ptrace.Traces) bool {
	marshaler := ptrace.ProtoMarshaler{}
	whole, err := marshaler.MarshalTraces(traces)
	require.NoError(t, err)
	expected, expectedErr := p.whole.Feed(whole)
	fed, err := p.least.Feed(p.writer.Write(traces))
	assert.Equal(t, expected, fed)
	assert.Equal(t, sentence(expectedErr), sentence(err))
	return err == nil
}

// sentence is what an error says but for the byte at which it is, which is another.
func sentence(err error) string {
	var failure *Error
	if !errors.As(err, &failure) {
		return fmt.Sprint(err)
	}
	text, _, _ := strings.Cut(failure.Text, " at byte ")
	return fmt.Sprint(failure.Code, failure.Retryable, text)
}

// compare renders both. Some of what a refused request names is known before it is refused, according to where
// in the request that is.
func (p *pair) compare(t *testing.T, isRefused bool) {
	require.NoError(t, p.whole.Drain())
	require.NoError(t, p.least.Drain())
	for _, format := range []string{"json", "openmetrics"} {
		whole, least := lines(t, p.whole, format), lines(t, p.least, format)
		require.Len(t, least, len(whole), format)
		for i := range whole {
			if isRefused && (strings.HasPrefix(whole[i], "spanmap_engine_names{") ||
				strings.HasPrefix(whole[i], "spanmap_engine_sites_missed_total ")) {
				continue
			}
			assert.Equal(t, whole[i], least[i], format)
		}
	}
}

// lines are those of a rendering that do not tell how long the program took, or how large it is.
func lines(t *testing.T, m *Map, format string) (kept []string) {
	for _, line := range strings.Split(render(t, m, format), "\n") {
		if !strings.Contains(line, "_merge_seconds") && !strings.HasPrefix(line, "spanmap_memory_resident_bytes") {
			kept = append(kept, line)
		}
	}
	return kept
}

// Those that the library knows.
func knownKeys(t *testing.T) []string {
	table, err := os.ReadFile("../../../../topology/semconv.tsv")
	require.NoError(t, err)
	var keys []string
	for _, line := range strings.Split(string(table), "\n") {
		if columns := strings.Split(line, "\t"); len(columns) == 4 && !strings.HasPrefix(line, "#") {
			keys = append(keys, columns[3])
		}
	}
	require.Greater(t, len(keys), 20)
	return keys
}

func TestWhatTheWriterLeavesOutChangesNothing(t *testing.T) {
	keys := knownKeys(t)
	long := strings.Repeat("key.", 20)
	for name, settings := range map[string][]Setting{
		"plain":      nil,
		"deep":       nil,
		"dimensions": {{"metrics.dimensions", `["custom", "http.route", "` + long + `", "messaging.x", "x"]`}},
		"few":        {{"links.max", "3"}, {"sampling.max_count", "4"}, {"map.messaging", "direct"}},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(6) {
				maker := odd.New(seed, append([]string{"custom", long, "x", "url.path", "user.id"}, keys...))
				maker.IsDeep = name == "deep"
				p := openPair(t, settings...)
				taken, all := 0, 60
				for range all {
					if p.feed(t, maker.Traces()) {
						taken++
					}
				}
				assert.Equal(t, maker.IsDeep, taken < all)
				p.compare(t, maker.IsDeep)
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// Where a value may stand.
var places = map[string]func(ptrace.Traces) pcommon.Map{
	"span": func(traces ptrace.Traces) pcommon.Map { return first(traces).Attributes() },
	"resource": func(traces ptrace.Traces) pcommon.Map {
		return traces.ResourceSpans().At(0).Resource().Attributes()
	},
	"scope": func(traces ptrace.Traces) pcommon.Map {
		return traces.ResourceSpans().At(0).ScopeSpans().At(0).Scope().Attributes()
	},
	"event": func(traces ptrace.Traces) pcommon.Map { return first(traces).Events().AppendEmpty().Attributes() },
	"link":  func(traces ptrace.Traces) pcommon.Map { return first(traces).Links().AppendEmpty().Attributes() },
}

func first(traces ptrace.Traces) ptrace.Span {
	return traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
}

func one() ptrace.Traces {
	traces := ptrace.NewTraces()
	span := traces.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	span.SetTraceID(pcommon.TraceID{1})
	span.SetSpanID(pcommon.SpanID{1})
	return traces
}

// A key that nobody reads with a value that is nested too deeply: the request is refused, at the same depth.
func TestTheWriterLeavesDepthAsItIs(t *testing.T) {
	for name, attributes := range places {
		p := openPair(t)
		seen := map[bool]bool{}
		for depth := range 300 {
			traces := one()
			odd.Deep(attributes(traces).PutEmpty("nobody.reads.this"), depth)
			seen[p.feed(t, traces)] = true
		}
		assert.Len(t, seen, 2, name)
		p.compare(t, true)
	}
}

func TestTheFilterIsReadAsTheLibraryDoes(t *testing.T) {
	p := openPair(t, Setting{"metrics.dimensions", `["custom"]`})
	filter := p.least.Filter()
	kept, left := 0, 0
	for size := range 200 {
		for letter := range 256 {
			key := strings.Repeat(string([]byte{byte(letter)}), size)
			require.Equal(t, filterHas(&filter, key), filter.Has(key), key)
			if filter.Has(key) {
				kept++
			} else {
				left++
			}
		}
	}
	assert.Greater(t, left, 4*kept)
	for _, key := range append(knownKeys(t), "custom", "messaging.other", "rpc.other", "") {
		assert.True(t, filter.Has(key), key)
	}
	assert.False(t, filter.Has("user_agent.original"))
}
