package spanmapextension

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componentstatus"
	"go.opentelemetry.io/collector/extension"
	"go.uber.org/zap"

	"spanmap.example/collector/internal/core"
)

// mapExtension is a server of one map, which a connector attaches when it starts.
type mapExtension struct {
	cfg       *Config
	telemetry component.TelemetrySettings

	server   *http.Server
	listener net.Listener
	serving  sync.WaitGroup

	mutex sync.RWMutex
	name  string // Whose map it is.
	shown *core.Map
}

var _ core.Shower = (*mapExtension)(nil)

func newExtension(set extension.Settings, cfg *Config) *mapExtension {
	return &mapExtension{cfg: cfg, telemetry: set.TelemetrySettings}
}

// Attach makes a connector's map the one that is shown.
func (e *mapExtension) Attach(name string, shown *core.Map) (func(), error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if e.shown != nil {
		return nil, fmt.Errorf("the extension shows the map of %q already: a second one needs an extension of its own",
			e.name)
	}
	e.name, e.shown = name, shown
	return func() {
		e.mutex.Lock()
		defer e.mutex.Unlock()
		e.name, e.shown = "", nil
	}, nil
}

func (e *mapExtension) current() *core.Map {
	e.mutex.RLock()
	defer e.mutex.RUnlock()
	return e.shown
}

func (e *mapExtension) Start(ctx context.Context, host component.Host) error {
	listener, err := e.cfg.ToListener(ctx)
	if err != nil {
		return err
	}
	handler := newHandler(e.cfg.Hosts, e.current)
	server, err := e.cfg.ToServer(ctx, host.GetExtensions(), e.telemetry, handler)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	e.server, e.listener = server, listener
	e.telemetry.Logger.Info("spanmap shows its map", zap.String("address", listener.Addr().String()))
	e.serving.Add(1)
	go func() {
		defer e.serving.Done()
		if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
			componentstatus.ReportStatus(host, componentstatus.NewFatalErrorEvent(err))
		}
	}()
	return nil
}

// Shutdown lets the requests that are under way end, as long as its patience lasts.
func (e *mapExtension) Shutdown(ctx context.Context) error {
	if e.server == nil {
		return nil
	}
	err := e.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, e.server.Close())
	}
	e.serving.Wait()
	return err
}
