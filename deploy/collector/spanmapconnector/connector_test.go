package spanmapconnector

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"spanmap.example/collector/internal/calls"
	"spanmap.example/collector/internal/core"
	"spanmap.example/collector/internal/heap"
	"spanmap.example/collector/internal/wire"
	"spanmap.example/collector/spanmapconnector/internal/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host has extensions and remembers what status was reported.
type host struct {
	extensions map[component.ID]component.Component
	mutex      sync.Mutex
	reported   []componentstatus.Status
}

func (h *host) GetExtensions() map[component.ID]component.Component { return h.extensions }

func (h *host) Report(event *componentstatus.Event) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.reported = append(h.reported, event.Status())
}

func (h *host) statuses() []componentstatus.Status {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return append([]componentstatus.Status{}, h.reported...)
}

func testConfig(options map[string]any) *Config {
	cfg := createDefaultConfig().(*Config)
	cfg.MetricsFlushInterval = time.Hour // Only at the end, unless a test says otherwise.
	cfg.Options = map[string]any{"memory": map[string]any{"limit": "32MiB"}}
	for key, value := range options {
		cfg.Options[key] = value
	}
	return cfg
}

func start(t *testing.T, cfg *Config, sink *consumertest.MetricsSink) connector.Traces {
	made, err := NewFactory().CreateTracesToMetrics(context.Background(),
		connectortest.NewNopSettings(metadata.Type), cfg, sink)
	require.NoError(t, err)
	require.NoError(t, made.Start(context.Background(), componenttest.NewNopHost()))
	return made
}

// The last value of each series of a sum, by client and server.
func requests(all []pmetric.Metrics, name string) map[string]float64 {
	found := map[string]float64{}
	each(all, name, func(metric pmetric.Metric) {
		for _, point := range metric.Sum().DataPoints().All() {
			found[text(point.Attributes(), "client")+" "+text(point.Attributes(), "server")] = point.DoubleValue()
		}
	})
	return found
}

// text is an attribute's; empty: there is none.
func text(attributes pcommon.Map, key string) string {
	if value, ok := attributes.Get(key); ok {
		return value.AsString()
	}
	return ""
}

func each(all []pmetric.Metrics, name string, use func(pmetric.Metric)) {
	for _, metrics := range all {
		for _, resource := range metrics.ResourceMetrics().All() {
			for _, scope := range resource.ScopeMetrics().All() {
				for _, metric := range scope.Metrics().All() {
					if metric.Name() == name {
						use(metric)
					}
				}
			}
		}
	}
}

func TestSpansBecomeMetricsAtTheEnd(t *testing.T) {
	var sink consumertest.MetricsSink
	made := start(t, testConfig(nil), &sink)
	assert.False(t, made.Capabilities().MutatesData)
	traces := calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 7, Failed: 2})
	traces.MarkReadOnly()
	require.NoError(t, made.ConsumeTraces(context.Background(), traces))
	require.NoError(t, made.ConsumeTraces(context.Background(), ptrace.NewTraces()))
	require.NoError(t, made.Shutdown(context.Background()))
	all := sink.AllMetrics()
	assert.Equal(t, map[string]float64{"user shop": 0, "shop stock": 7},
		merge(map[string]float64{"user shop": 0}, requests(all, "traces_service_graph_request_total")))
	assert.Equal(t, 2.0, requests(all, "traces_service_graph_request_failed_total")["shop stock"])
	seen := 0
	each(all, "traces_service_graph_request_server_seconds", func(metric pmetric.Metric) {
		assert.Equal(t, "s", metric.Unit())
		assert.Equal(t, pmetric.AggregationTemporalityCumulative, metric.Histogram().AggregationTemporality())
		point := metric.Histogram().DataPoints().At(0)
		assert.EqualValues(t, 7, point.Count())
		assert.InDelta(t, 0.07, point.Sum(), 1e-9)
		assert.NotZero(t, point.StartTimestamp())
		assert.Less(t, point.StartTimestamp(), point.Timestamp())
		seen++
	})
	assert.Equal(t, 1, seen)
}

func merge(into, from map[string]float64) map[string]float64 {
	for key, value := range from {
		into[key] = value
	}
	return into
}

func TestMetricsComeAllTheTime(t *testing.T) {
	var sink consumertest.MetricsSink
	cfg := testConfig(map[string]any{"pairing": map[string]any{"wait": "10ms"},
		"metrics": map[string]any{"otlp_histograms": "exponential"}})
	cfg.MetricsFlushInterval = 10 * time.Millisecond
	made := start(t, cfg, &sink)
	require.NoError(t, made.ConsumeTraces(context.Background(),
		calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 3})))
	require.Eventually(t, func() bool {
		return requests(sink.AllMetrics(), "traces_service_graph_request_total")["shop stock"] == 3
	}, time.Minute, 5*time.Millisecond)
	each(sink.AllMetrics(), "traces_service_graph_request_server_seconds", func(metric pmetric.Metric) {
		assert.EqualValues(t, 3, metric.ExponentialHistogram().DataPoints().At(0).Count())
	})
	require.NoError(t, made.Shutdown(context.Background()))
}

func TestManyServicesInManyBatches(t *testing.T) {
	const services, batch = 10_000, 500
	var sink consumertest.MetricsSink
	made := start(t, testConfig(map[string]any{"memory": map[string]any{"limit": "4GiB"},
		"map": map[string]any{"edges_max": services + 1}}), &sink)
	var senders sync.WaitGroup
	for sender := range 4 {
		senders.Add(1)
		go func() {
			defer senders.Done()
			for begin := sender * batch; begin < services; begin += 4 * batch {
				var list []calls.Call
				for i := begin; i < begin+batch; i++ {
					list = append(list, calls.Call{Client: calls.Name(i), Server: calls.Name((i + 1) % services),
						Count: 2, Begin: uint64(i) * 10})
				}
				assert.NoError(t, made.ConsumeTraces(context.Background(), calls.Traces(list...)))
			}
		}()
	}
	senders.Wait()
	require.NoError(t, made.Shutdown(context.Background()))
	all := sink.AllMetrics()
	assert.Greater(t, len(all), 1)
	found := requests(all, "traces_service_graph_request_total")
	for i := range services {
		require.Equal(t, 2.0, found[calls.Name(i)+" "+calls.Name((i+1)%services)], i)
	}
	marshaler := pmetric.ProtoMarshaler{}
	for _, metrics := range all {
		assert.LessOrEqual(t, marshaler.MetricsSize(metrics), requestBytesMax+requestBytesMax/2)
	}
}

func TestRoundsLeaveNothing(t *testing.T) {
	traces := calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 20})
	round := func() {
		var sink consumertest.MetricsSink
		made := start(t, testConfig(nil), &sink)
		require.NoError(t, made.ConsumeTraces(context.Background(), traces))
		require.NoError(t, made.Shutdown(context.Background()))
		require.Equal(t, 20.0, requests(sink.AllMetrics(), "traces_service_graph_request_total")["shop stock"])
	}
	for range 3 {
		round()
	}
	held := heap.Bytes()
	for range 100 {
		round()
	}
	assert.Less(t, heap.Bytes()-held, heap.Noise())
	goleak.VerifyNone(t)
}

func TestOneThatDoesNotRunSaysSo(t *testing.T) {
	made, err := NewFactory().CreateTracesToMetrics(context.Background(),
		connectortest.NewNopSettings(metadata.Type), testConfig(nil), consumertest.NewNop())
	require.NoError(t, err)
	require.ErrorIs(t, made.ConsumeTraces(context.Background(), calls.Traces()), errStopped)
	require.NoError(t, made.Shutdown(context.Background()))
}

func TestAWrongExtensionStopsTheStart(t *testing.T) {
	id := component.MustNewID("spanmap_map")
	cfg := testConfig(nil)
	cfg.Extension = &id
	for _, h := range []*host{
		{},
		{extensions: map[component.ID]component.Component{id: nil}},
	} {
		made, err := NewFactory().CreateTracesToMetrics(context.Background(),
			connectortest.NewNopSettings(metadata.Type), cfg, consumertest.NewNop())
		require.NoError(t, err)
		require.ErrorContains(t, made.Start(context.Background(), h), "spanmap_map")
		require.NoError(t, made.Shutdown(context.Background()))
	}
}

// fake is a map that has no room, or takes little at once.
type fake struct {
	mutex   sync.Mutex
	refuse  int // So many times.
	delay   time.Duration
	largest int // Bytes; 0: any.
	fed     [][]byte
	asked   int
	invalid bool
}

func (f *fake) Feed(request []byte) (core.Fed, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.asked++
	switch {
	case f.invalid:
		return core.Fed{}, &core.Error{Code: -3, Text: "no such thing"}
	case f.refuse != 0:
		f.refuse--
		return core.Fed{}, &core.Error{Code: -12, Text: "no room", Retryable: true, Delay: f.delay}
	case f.largest != 0 && len(request) > f.largest:
		return core.Fed{}, tooLarge
	}
	f.fed = append(f.fed, append([]byte{}, request...))
	return core.Fed{Spans: 1}, nil
}

func (*fake) Filter() wire.Filter                           { return wire.Filter{} }
func (*fake) Render(_ string, use func([]byte) error) error { return use(nil) }
func (*fake) Drain() error                                  { return nil }
func (*fake) Close()                                        {}

var tooLarge = &core.Error{Code: -6, Text: "too large"}

func startFake(t *testing.T, counted counter) *spanmapConnector {
	made, err := newConnector(connectortest.NewNopSettings(metadata.Type), testConfig(nil), consumertest.NewNop())
	require.NoError(t, err)
	made.host = componenttest.NewNopHost()
	made.begin(counted)
	return made
}

func TestASenderIsHeldWhileThereIsNoRoom(t *testing.T) {
	counted := &fake{refuse: 3, delay: time.Millisecond}
	made := startFake(t, counted)
	require.NoError(t, made.ConsumeTraces(context.Background(),
		calls.Traces(calls.Call{Client: "a", Server: "b", Count: 1})))
	assert.Equal(t, 4, counted.asked)
	require.NoError(t, made.Shutdown(context.Background()))
}

func TestAHeldSenderMayLeave(t *testing.T) {
	counted := &fake{refuse: -1, delay: time.Hour}
	made := startFake(t, counted)
	ctx, cancel := context.WithCancel(context.Background())
	left := make(chan error)
	go func() {
		left <- made.ConsumeTraces(ctx, calls.Traces(calls.Call{Client: "a", Server: "b", Count: 1}))
	}()
	cancel()
	err := <-left
	require.ErrorContains(t, err, "no room")
	assert.False(t, consumererror.IsPermanent(err))
	go func() {
		left <- made.ConsumeTraces(context.Background(), calls.Traces(calls.Call{Client: "a", Server: "b", Count: 1}))
	}()
	require.NoError(t, made.Shutdown(context.Background()))
	require.Error(t, <-left)
}

func TestWhatIsTooLargeGoesInHalves(t *testing.T) {
	traces := calls.Traces(calls.Call{Client: "a", Server: "b", Count: 50}, calls.Call{Client: "b", Server: "c", Count: 3, Begin: 100})
	counted := &fake{largest: len(wire.NewWriter(wire.Filter{}).Write(traces)) / 5}
	made := startFake(t, counted)
	require.NoError(t, made.ConsumeTraces(context.Background(), traces))
	seen := map[string]int{}
	for _, request := range counted.fed {
		unmarshaler := ptrace.ProtoUnmarshaler{}
		part, err := unmarshaler.UnmarshalTraces(request)
		require.NoError(t, err)
		for _, resource := range part.ResourceSpans().All() {
			name := text(resource.Resource().Attributes(), "service.name")
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					seen[name+" "+span.SpanID().String()]++
				}
			}
		}
	}
	assert.Len(t, seen, 106)
	assert.Greater(t, len(counted.fed), 4)
	counted.largest = 1
	err := made.ConsumeTraces(context.Background(), traces)
	require.ErrorContains(t, err, "too large")
	assert.True(t, consumererror.IsPermanent(err))
	require.NoError(t, made.Shutdown(context.Background()))
}

func TestASpanThatIsTooLargeTakesNoOtherWithIt(t *testing.T) {
	traces := calls.Traces(calls.Call{Client: "a", Server: "b", Count: 8})
	span := traces.ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(1)
	span.SetName(string(make([]byte, 10_000)))
	counted := &fake{largest: 5_000}
	made := startFake(t, counted)
	err := made.ConsumeTraces(context.Background(), traces)
	require.ErrorContains(t, err, "too large")
	assert.True(t, consumererror.IsPermanent(err))
	taken := 0
	for _, request := range counted.fed {
		unmarshaler := ptrace.ProtoUnmarshaler{}
		part, err := unmarshaler.UnmarshalTraces(request)
		require.NoError(t, err)
		taken += part.SpanCount()
	}
	assert.Equal(t, traces.SpanCount()-1, taken)
	require.NoError(t, made.Shutdown(context.Background()))
}

func TestOfTwoHalvesOneThatMayBeSentAgainDecides(t *testing.T) {
	later, never := errors.New("later"), consumererror.NewPermanent(errors.New("never"))
	require.NoError(t, both(nil, nil))
	for _, pair := range [][2]error{{later, nil}, {nil, later}, {later, never}, {never, later}} {
		assert.Equal(t, later, both(pair[0], pair[1]))
	}
	for _, pair := range [][2]error{{never, nil}, {nil, never}, {never, never}} {
		assert.True(t, consumererror.IsPermanent(both(pair[0], pair[1])))
	}
}

func TestWhatCannotBeTakenIsAPermanentError(t *testing.T) {
	made := startFake(t, &fake{invalid: true})
	err := made.ConsumeTraces(context.Background(), calls.Traces(calls.Call{Client: "a", Server: "b", Count: 1}))
	require.Error(t, err)
	assert.True(t, consumererror.IsPermanent(err))
	require.NoError(t, made.Shutdown(context.Background()))
}

// flaky takes nothing for a while.
type flaky struct {
	consumertest.MetricsSink
	mutex   sync.Mutex
	refuses bool
}

func (f *flaky) set(refuses bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.refuses = refuses
}

func (f *flaky) ConsumeMetrics(ctx context.Context, metrics pmetric.Metrics) error {
	f.mutex.Lock()
	refuses := f.refuses
	f.mutex.Unlock()
	if refuses {
		return errors.New("not now")
	}
	return f.MetricsSink.ConsumeMetrics(ctx, metrics)
}

func TestAFailedEmissionIsReportedAndMadeUpFor(t *testing.T) {
	next := &flaky{refuses: true}
	h := &host{}
	cfg := testConfig(map[string]any{"pairing": map[string]any{"wait": "10ms"}})
	cfg.MetricsFlushInterval = 5 * time.Millisecond
	made, err := newConnector(connectortest.NewNopSettings(metadata.Type), cfg, next)
	require.NoError(t, err)
	require.NoError(t, made.Start(context.Background(), h))
	require.NoError(t, made.ConsumeTraces(context.Background(),
		calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 3})))
	require.Eventually(t, func() bool { return len(h.statuses()) > 0 }, time.Minute, time.Millisecond)
	assert.Equal(t, componentstatus.StatusRecoverableError, h.statuses()[0])
	next.set(false)
	require.Eventually(t, func() bool {
		all := h.statuses()
		return all[len(all)-1] == componentstatus.StatusOK
	}, time.Minute, time.Millisecond)
	require.NoError(t, made.Shutdown(context.Background()))
	assert.Equal(t, 3.0, requests(next.AllMetrics(), "traces_service_graph_request_total")["shop stock"])
}

func TestALastEmissionThatFailsIsToldOf(t *testing.T) {
	made, err := newConnector(connectortest.NewNopSettings(metadata.Type), testConfig(nil),
		consumertest.NewErr(errors.New("not now")))
	require.NoError(t, err)
	require.NoError(t, made.Start(context.Background(), componenttest.NewNopHost()))
	require.ErrorContains(t, made.Shutdown(context.Background()), "not now")
}

func TestTheConnectorCountsWhatItDoes(t *testing.T) {
	telemetry := componenttest.NewTelemetry()
	set := connectortest.NewNopSettings(metadata.Type)
	set.TelemetrySettings = telemetry.NewTelemetrySettings()
	made, err := newConnector(set, testConfig(nil), consumertest.NewNop())
	require.NoError(t, err)
	require.NoError(t, made.Start(context.Background(), componenttest.NewNopHost()))
	require.NoError(t, made.ConsumeTraces(context.Background(),
		calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 3})))
	require.NoError(t, made.Shutdown(context.Background()))
	for _, name := range []string{"requests", "spans", "emissions"} {
		_, err = telemetry.GetMetric("otelcol_connector_spanmap_" + name)
		assert.NoError(t, err, name)
	}
	require.NoError(t, telemetry.Shutdown(context.Background()))
}

func TestPiecesAreCutBetweenResources(t *testing.T) {
	var all []byte
	marshaler := pmetric.ProtoMarshaler{}
	for i := range 5 {
		metrics := pmetric.NewMetrics()
		resource := metrics.ResourceMetrics().AppendEmpty()
		resource.Resource().Attributes().PutStr("service.name", "spanmap")
		resource.Resource().Attributes().PutStr("service.version", "1")
		if i == 4 {
			resource.Resource().Attributes().PutStr("service.instance.id", "theirs")
		}
		metric := resource.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		metric.SetName(strconv.Itoa(i))
		metric.SetDescription(string(make([]byte, requestBytesMax/3+100)))
		data, err := marshaler.MarshalMetrics(metrics)
		require.NoError(t, err)
		all = append(all, data...)
	}
	var sizes []int
	var instances []string
	require.NoError(t, eachRequest(context.Background(), all, "mine", func(metrics pmetric.Metrics) error {
		sizes = append(sizes, metrics.ResourceMetrics().Len())
		for _, resource := range metrics.ResourceMetrics().All() {
			instances = append(instances, text(resource.Resource().Attributes(), "service.instance.id"))
		}
		return nil
	}))
	assert.Equal(t, []int{2, 2, 1}, sizes)
	assert.Equal(t, []string{"mine", "mine", "mine", "mine", "theirs"}, instances)
	for _, wrong := range [][]byte{{0x12, 0}, {0x0a, 5, 0}, {0x0a, 0xff}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}} {
		require.Error(t, eachRequest(context.Background(), wrong, "", func(pmetric.Metrics) error { return nil }))
	}
}

func TestAPieceThatIsRefusedKeepsNoneBack(t *testing.T) {
	var all []byte
	marshaler := pmetric.ProtoMarshaler{}
	for range 4 {
		metrics := pmetric.NewMetrics()
		metric := metrics.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
		metric.SetDescription(string(make([]byte, requestBytesMax)))
		data, err := marshaler.MarshalMetrics(metrics)
		require.NoError(t, err)
		all = append(all, data...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	asked := 0
	refuse := func(pmetric.Metrics) error {
		asked++
		if asked == 2 {
			return errors.New("not this one")
		}
		return nil
	}
	require.ErrorContains(t, eachRequest(ctx, all, "", refuse), "not this one")
	assert.Equal(t, 4, asked)
	cancel()
	asked = 0
	_ = eachRequest(ctx, all, "", refuse) // Time is up: the others would be told the same.
	assert.Equal(t, 1, asked)
}
