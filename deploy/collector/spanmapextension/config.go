package spanmapextension

import (
	"errors"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/config/confighttp"
)

// Config is that of an HTTP server of the Collector's.
type Config struct {
	confighttp.ServerConfig `mapstructure:",squash"`

	// Hosts are further names by which the server may be called, beside IP addresses and localhost; "*" is
	// any. A request for another name is refused with 421, which stops DNS rebinding.
	Hosts []string `mapstructure:"hosts"`

	_ struct{}
}

const (
	defaultEndpoint      = "localhost:9464"
	defaultHeaderTimeout = 10 * time.Second
)

func createDefaultConfig() component.Config {
	server := confighttp.NewDefaultServerConfig()
	server.NetAddr.Endpoint = defaultEndpoint
	server.ReadHeaderTimeout = defaultHeaderTimeout
	return &Config{ServerConfig: server}
}

// Validate tells what is wrong.
func (cfg *Config) Validate() error {
	if cfg.NetAddr.Endpoint == "" {
		return errors.New("endpoint must not be empty")
	}
	return nil
}
