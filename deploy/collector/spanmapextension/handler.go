package spanmapextension

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"spanmap.example/collector/internal/core"
)

// Answers that are made at once: each holds a thread of the system and as much memory as the map.
const answersMax = 8

// handler is the daemon's web door: GET and HEAD, for names that are ours.
type handler struct {
	hosts   []string
	current func() *core.Map
	places  chan struct{}
}

func newHandler(hosts []string, current func() *core.Map) *handler {
	return &handler{hosts: hosts, current: current, places: make(chan struct{}, answersMax)}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !isAllowed(r.Host, h.hosts) {
		refuse(w, http.StatusMisdirectedRequest, "this server is not called so; see the option 'hosts' of spanmap_map")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "only GET and HEAD are allowed")
		return
	}
	if strings.ContainsRune(r.URL.Path+r.URL.RawQuery, 0) {
		refuse(w, http.StatusBadRequest, "there is a zero in the path")
		return
	}
	shown := h.current()
	if shown == nil {
		refuse(w, http.StatusServiceUnavailable, "no spanmap connector has this extension as its 'extension', or it does not run")
		return
	}
	select {
	case h.places <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	reply, err := shown.Serve(core.Request{
		Path:           r.URL.Path,
		Query:          r.URL.RawQuery,
		Accept:         strings.Join(r.Header.Values("Accept"), ", "),
		AcceptEncoding: strings.Join(r.Header.Values("Accept-Encoding"), ", "),
		IfNoneMatch:    strings.Join(r.Header.Values("If-None-Match"), ", "),
		Head:           r.Method == http.MethodHead,
	})
	<-h.places
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	answer(w, r, reply)
}

func answer(w http.ResponseWriter, r *http.Request, reply core.Reply) {
	header := w.Header()
	for _, line := range strings.Split(reply.Headers, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			header.Add(name, strings.TrimSpace(value))
		}
	}
	if reply.ContentType != "" {
		header.Set("Content-Type", reply.ContentType)
	}
	if reply.Encoding != "" {
		header.Set("Content-Encoding", reply.Encoding)
	}
	if reply.Status != http.StatusNotModified {
		header.Set("Content-Length", strconv.Itoa(len(reply.Body)))
	}
	w.WriteHeader(reply.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(reply.Body) // Who asked may have left.
	}
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	http.Error(w, sentence, status)
}

// isAllowed: an address of digits, localhost, or a name that the user has given. Names of others that lead
// here are an attack on the user's browser.
func isAllowed(host string, hosts []string) bool {
	name := host
	if without, _, err := net.SplitHostPort(host); err == nil {
		name = without
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if _, err := netip.ParseAddr(name); err == nil || strings.EqualFold(name, "localhost") {
		return true
	}
	for _, allowed := range hosts {
		if allowed == "*" || strings.EqualFold(name, allowed) {
			return true
		}
	}
	return false
}
