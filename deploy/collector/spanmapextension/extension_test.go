package spanmapextension

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/extension/extensiontest"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"

	"spanmap.example/collector/internal/calls"
	"spanmap.example/collector/internal/core"
	"spanmap.example/collector/spanmapextension/internal/metadata"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheTypeIsThatOfMetadata(t *testing.T) {
	conf, err := confmaptest.LoadConf("metadata.yaml")
	require.NoError(t, err)
	assert.Equal(t, conf.Get("type"), NewFactory().Type().String())
	assert.Equal(t, component.StabilityLevelBeta, NewFactory().Stability())
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, componenttest.CheckConfigStruct(cfg))
	assert.Equal(t, "localhost:9464", cfg.(*Config).NetAddr.Endpoint)
	require.Error(t, (&Config{}).Validate())
}

func openMap(t *testing.T) *core.Map {
	m, err := core.Open([]core.Setting{{Key: "memory.limit", Value: "32MiB"}, {Key: "pairing.wait", Value: "10ms"}})
	require.NoError(t, err)
	t.Cleanup(m.Close)
	return m
}

func startServer(t *testing.T) (*mapExtension, string) {
	cfg := createDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = "127.0.0.1:0"
	made, err := NewFactory().Create(context.Background(), extensiontest.NewNopSettings(metadata.Type), cfg)
	require.NoError(t, err)
	require.NoError(t, made.Start(context.Background(), componenttest.NewNopHost()))
	e := made.(*mapExtension)
	return e, "http://" + e.listener.Addr().String()
}

// get asks without keeping the connection.
func get(t *testing.T, url string, change func(*http.Request)) (*http.Response, string) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	request.Close = true
	if change != nil {
		change(request)
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response, string(body)
}

func TestItShowsTheMapThatIsAttached(t *testing.T) {
	e, url := startServer(t)
	response, body := get(t, url+"/metrics", nil)
	assert.Equal(t, 503, response.StatusCode)
	assert.Contains(t, body, "connector")

	m := openMap(t)
	detach, err := e.Attach("spanmap", m)
	require.NoError(t, err)
	_, err = e.Attach("spanmap/2", m)
	require.ErrorContains(t, err, `"spanmap"`)
	marshaler := ptrace.ProtoMarshaler{}
	data, err := marshaler.MarshalTraces(calls.Traces(calls.Call{Client: "shop", Server: "stock", Count: 5}))
	require.NoError(t, err)
	_, err = m.Feed(data)
	require.NoError(t, err)
	require.NoError(t, m.Drain())

	_, _ = get(t, url+"/metrics", nil) // A new series is shown as 0 once.
	for path, words := range map[string][2]string{
		"/":                               {"text/html", "<html"},
		"/metrics":                        {"text/plain", `traces_service_graph_request_total{client="shop",server="stock"} 5`},
		"/api/v1/map":                     {"application/json", `"service//stock"`},
		"/map.dot":                        {"text/", "digraph"},
		"/api/v1/map?focus=stock&depth=1": {"application/json", `"service//shop"`},
		"/healthz":                        {"", ""},
	} {
		response, body = get(t, url+path, nil)
		assert.Equal(t, 200, response.StatusCode, path)
		assert.Contains(t, response.Header.Get("Content-Type"), words[0], path)
		assert.True(t, strings.Contains(strings.ToLower(body), words[1]), path)
	}
	response, body = get(t, url+"/api/v1/map", func(r *http.Request) { r.Method = http.MethodHead })
	assert.Equal(t, 200, response.StatusCode)
	assert.Empty(t, body)
	response, _ = get(t, url+"/metrics", func(r *http.Request) { r.Header.Set("Accept-Encoding", "gzip") })
	assert.Equal(t, 200, response.StatusCode)
	response, _ = get(t, url+"/nothing", nil)
	assert.Equal(t, 404, response.StatusCode)

	detach()
	response, _ = get(t, url+"/", nil)
	assert.Equal(t, 503, response.StatusCode)
	require.NoError(t, e.Shutdown(context.Background()))
}

func TestOnlyOurNamesAndOnlyGet(t *testing.T) {
	m := openMap(t)
	h := newHandler([]string{"map.inside"}, func() *core.Map { return m })
	for host, status := range map[string]int{
		"127.0.0.1:9464": 200, "[::1]:9464": 200, "[::1]": 200, "localhost": 200, "LocalHost:1": 200,
		"Map.Inside:80": 200, "evil.example": 421, "localhost.evil.example:9464": 421, "": 421,
		"127.0.0.1.evil.example": 421,
	} {
		request := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		request.Host = host
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, request)
		assert.Equal(t, status, recorder.Code, host)
	}
	assert.True(t, isAllowed("anything.else", []string{"*"}))
	request := httptest.NewRequest(http.MethodPost, "/metrics", nil)
	request.Host = "localhost"
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	assert.Equal(t, 405, recorder.Code)
	assert.Equal(t, "GET, HEAD", recorder.Header().Get("Allow"))
	request = httptest.NewRequest(http.MethodGet, "/map%00.svg", nil)
	request.Host = "localhost"
	recorder = httptest.NewRecorder()
	h.ServeHTTP(recorder, request)
	assert.Equal(t, 400, recorder.Code)
}

func TestManyAskAtOnceWhileTheMapIsClosed(t *testing.T) {
	e, url := startServer(t)
	m := openMap(t)
	_, err := e.Attach("spanmap", m)
	require.NoError(t, err)
	var readers sync.WaitGroup
	for range 20 {
		readers.Add(1)
		go func() {
			defer readers.Done()
			response, _ := get(t, url+"/api/v1/map", nil)
			assert.Contains(t, []int{200, 503}, response.StatusCode)
		}()
	}
	m.Close()
	readers.Wait()
	require.NoError(t, e.Shutdown(context.Background()))
}

func TestLifecycle(t *testing.T) {
	made, err := NewFactory().Create(context.Background(), extensiontest.NewNopSettings(metadata.Type),
		createDefaultConfig())
	require.NoError(t, err)
	require.NoError(t, made.Shutdown(context.Background()))
	for range 2 {
		e, _ := startServer(t)
		require.NoError(t, e.Shutdown(context.Background()))
	}
	// An address that cannot be had is told of at the start.
	e, url := startServer(t)
	cfg := createDefaultConfig().(*Config)
	cfg.NetAddr.Endpoint = strings.TrimPrefix(url, "http://")
	second := newExtension(extensiontest.NewNopSettings(metadata.Type), cfg)
	require.Error(t, second.Start(context.Background(), componenttest.NewNopHost()))
	require.NoError(t, second.Shutdown(context.Background()))
	require.NoError(t, e.Shutdown(context.Background()))
	var _ component.Component = e
}
