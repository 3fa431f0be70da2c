package spanmapconnector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumererror"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/zap"

	"spanmap.example/collector/internal/core"
	"spanmap.example/collector/internal/wire"
	"spanmap.example/collector/spanmapconnector/internal/metadata"
)

// How long a sender is held when the library does not say.
const defaultDelay = 10 * time.Millisecond

// What a writer keeps between two requests is at most so large.
const keptMax = 4 * 1024 * 1024

var errStopped = errors.New("the spanmap connector does not run")

// counter is a core.Map, as far as the connector needs it.
type counter interface {
	Filter() wire.Filter
	Feed(request []byte) (core.Fed, error)
	Render(format string, use func(data []byte) error) error
	Drain() error
	Close()
}

// spanmapConnector is one map. All traces pipelines that name it feed it, all metrics pipelines get what it
// measured.
type spanmapConnector struct {
	cfg        *Config
	id         component.ID
	logger     *zap.Logger
	next       consumer.Metrics
	instanceID string
	telemetry  *metadata.TelemetryBuilder

	host     component.Host
	counted  counter // From Start on.
	writers  sync.Pool
	detach   func()
	stop     chan struct{} // Closed when Shutdown begins.
	stopOnce sync.Once
	cancel   context.CancelFunc // Of what is being emitted.
	emitting sync.WaitGroup
	failing  bool // The last emission failed; of the one goroutine that emits.
}

func newConnector(set connector.Settings, cfg *Config, next consumer.Metrics) (*spanmapConnector, error) {
	telemetry, err := metadata.NewTelemetryBuilder(set.TelemetrySettings)
	if err != nil {
		return nil, err
	}
	c := &spanmapConnector{cfg: cfg, id: set.ID, logger: set.Logger, next: next, telemetry: telemetry,
		stop: make(chan struct{})}
	if id, ok := set.Resource.Attributes().Get("service.instance.id"); ok {
		c.instanceID = id.AsString()
	}
	return c, nil
}

// Capabilities: the data is only read.
func (*spanmapConnector) Capabilities() consumer.Capabilities {
	return consumer.Capabilities{MutatesData: false}
}

func (c *spanmapConnector) Start(_ context.Context, host component.Host) error {
	settings, err := core.Settings(c.cfg.Options)
	if err != nil {
		return err
	}
	c.host = host
	counted, err := core.Open(settings)
	if err != nil {
		return err
	}
	if err = c.attach(host, counted); err != nil {
		counted.Close()
		return err
	}
	c.begin(counted)
	c.logger.Info("spanmap counts", zap.String("version", core.Version()))
	return nil
}

func (c *spanmapConnector) begin(counted counter) {
	c.counted = counted
	filter := counted.Filter()
	c.writers.New = func() any { return wire.NewWriter(filter) }
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.emitting.Add(1)
	go c.emitAlways(ctx)
}

// attach hands the map to the extension that shall show it.
func (c *spanmapConnector) attach(host component.Host, counted *core.Map) error {
	if c.cfg.Extension == nil {
		return nil
	}
	extension, ok := host.GetExtensions()[*c.cfg.Extension]
	if !ok {
		return fmt.Errorf("there is no extension %q: it must stand in service::extensions", c.cfg.Extension)
	}
	shower, ok := extension.(core.Shower)
	if !ok {
		return fmt.Errorf("the extension %q cannot show a map: it is no spanmap_map", c.cfg.Extension)
	}
	var err error
	c.detach, err = shower.Attach(c.id.String(), counted)
	return err
}

// Shutdown stops taking spans, judges what waits, and emits the last metrics. Pipelines end after it.
func (c *spanmapConnector) Shutdown(ctx context.Context) error {
	c.stopOnce.Do(func() { close(c.stop) })
	defer c.telemetry.Shutdown()
	if c.counted == nil {
		return nil
	}
	defer context.AfterFunc(ctx, c.cancel)() // It ends with its patience.
	c.emitting.Wait()
	err := c.counted.Drain()
	if err == nil {
		err = c.emit(ctx)
	}
	c.cancel()
	if c.detach != nil {
		c.detach()
	}
	c.counted.Close()
	return err
}

// ------------------------------------------------------------------ spans in

func (c *spanmapConnector) ConsumeTraces(ctx context.Context, traces ptrace.Traces) error {
	if c.counted == nil {
		return errStopped
	}
	if traces.SpanCount() == 0 {
		return nil
	}
	fed, err := c.write(ctx, traces)
	switch {
	case err == nil:
		c.telemetry.CountRequest(ctx, metadata.OutcomeTaken, int64(fed.Spans))
		c.telemetry.CountRejected(ctx, int64(fed.Rejected))
		return nil
	case core.IsTooLarge(err) && traces.SpanCount() > 1:
		first, second := halve(traces)
		return both(c.ConsumeTraces(ctx, first), c.ConsumeTraces(ctx, second))
	}
	c.telemetry.CountRequest(ctx, metadata.OutcomeRefused, int64(traces.SpanCount()))
	var failure *core.Error
	if errors.As(err, &failure) && !failure.Retryable {
		return consumererror.NewPermanent(err)
	}
	return err
}

// write makes a request of what the map reads of the traces, and feeds it.
func (c *spanmapConnector) write(ctx context.Context, traces ptrace.Traces) (core.Fed, error) {
	writer := c.writers.Get().(*wire.Writer)
	fed, err := c.feed(ctx, writer.Write(traces))
	if writer.Size() <= keptMax {
		c.writers.Put(writer)
	}
	return fed, err
}

// both is what a sender is told of two halves: where one may be taken later it is to send them again, and
// what was taken is then a duplicate.
func both(first, second error) error {
	if first == nil || (second != nil && !consumererror.IsPermanent(second)) {
		return second
	}
	if second == nil || !consumererror.IsPermanent(first) {
		return first
	}
	return errors.Join(first, second)
}

// feed holds the sender while there is no room, as long as it waits: what stands before a connector (a batch
// processor) does not try again.
func (c *spanmapConnector) feed(ctx context.Context, request []byte) (core.Fed, error) {
	for {
		fed, err := c.counted.Feed(request)
		var failure *core.Error
		if err == nil || !errors.As(err, &failure) || !failure.Retryable {
			return fed, err
		}
		c.telemetry.CountWait(ctx)
		delay := failure.Delay
		if delay <= 0 {
			delay = defaultDelay
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
			continue
		case <-ctx.Done():
		case <-c.stop:
		}
		timer.Stop()
		return fed, err
	}
}

// ------------------------------------------------------------------ metrics out

func (c *spanmapConnector) emitAlways(ctx context.Context) {
	defer c.emitting.Done()
	ticker := time.NewTicker(c.cfg.MetricsFlushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-c.stop:
			return
		case <-ticker.C:
		}
		if err := c.emit(ctx); err != nil {
			c.logger.Warn("metrics were not taken; the next emission has them", zap.Error(err))
		}
	}
}

// emit sends all that was measured so far. What fails is lost to nobody: counts go on, and the next
// emission has them.
func (c *spanmapConnector) emit(ctx context.Context) error {
	err := c.counted.Render("otlp", func(data []byte) error {
		return eachRequest(ctx, data, c.instanceID, func(request metricsRequest) error {
			return c.next.ConsumeMetrics(ctx, request)
		})
	})
	c.telemetry.CountEmission(ctx, err == nil)
	switch {
	case err != nil:
		c.failing = true
		componentstatus.ReportStatus(c.host, componentstatus.NewRecoverableErrorEvent(err))
	case c.failing:
		c.failing = false
		componentstatus.ReportStatus(c.host, componentstatus.NewEvent(componentstatus.StatusOK))
	}
	return err
}
