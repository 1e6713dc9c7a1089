package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/orgctl/orgctl/cmd/orgctl/internal/view"
	"github.com/orgctl/orgctl/pkg/client"
	"github.com/orgctl/orgctl/pkg/spec"
)

func getCommand(e *env) *cli.Command {
	var kinds strings.Builder
	for _, r := range readables() {
		fmt.Fprintf(&kinds, "\n   %s", r.arguments())
	}
	return &cli.Command{
		Name: "get", Usage: "show what the API has, without changing anything",
		UsageText: "orgctl get services\norgctl get service orders -o yaml\norgctl get activities --from 24h --filter 'type=service_*'\norgctl get metrics orders",
		ArgsUsage: "KIND [NAME]",
		Description: "KIND is one of these; get alone says what each of them is.\n" + kinds.String()[1:] +
			"\n\nObjects are selected by name, and of several of one name NAME#ID is one.",
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "`table|wide|json|yaml|name` the form of what is shown; json and yaml have all that the API tells", Value: "table"},
			&cli.StringSliceFlag{Name: "filter", Usage: "show only those with a field that matches, as `FIELD=GLOB` (repeatable: all must match); fields are the API's, such as state or tags.key"},
			&cli.IntFlag{Name: "limit", Usage: "show the first `N` at most"},
			&cli.StringFlag{Name: "from", Usage: "activities and entries of logs since a `TIME`: RFC 3339, or a duration before now such as 24h; usage-cost since its day, which may be given as 2026-03-01"},
			&cli.StringFlag{Name: "to", Usage: "activities and entries of logs up to a `TIME`, likewise; usage-cost up to and with its day"},
			&cli.StringFlag{Name: "provider", Usage: "`aws|gcp|azure` private-endpoint-config of a place instead of a service, with --region"},
			&cli.StringFlag{Name: "region", Usage: "the `REGION` of --provider; the organization has a service there"},
			&cli.BoolFlag{Name: "watch", Aliases: []string{"w"}, Usage: "show services again whenever they change, until interrupted"},
			&cli.DurationFlag{Name: "interval", Usage: "how often --watch looks, as a `DURATION`", Value: 10 * time.Second},
			apiFlag(),
			readingTimeout(),
		}, connectionFlags()),
		Action: func(c *cli.Context) error {
			if !c.Args().Present() {
				return view.Terms(e.stdout, readableTerms(), e.stdoutView())
			}
			o, err := newGetOptions(e, c)
			if err != nil {
				return err
			}
			q, err := newQuery(o)
			if err != nil {
				return err
			}
			return within(c.Context, o.timeout, func(ctx context.Context) error { return get(ctx, e, o, q) })
		},
	}
}

// getOptions are what was typed; what of it goes together depends on what is asked for, see newQuery.
type getOptions struct {
	connectionOptions
	api              *provider
	arguments        []string
	format           string
	formatted        bool // a format is given
	filters          []string
	limit            int
	limited          bool // a limit is given
	from, to         string
	provider, region string
	watch            bool
	interval         time.Duration
	paced            bool // an interval is given
	timeout          time.Duration
}

func newGetOptions(e *env, c *cli.Context) (getOptions, error) {
	connection, err := newConnectionOptions(c)
	if err != nil {
		return getOptions{}, err
	}
	api, err := newProviderOptions(e, c)
	return getOptions{
		connectionOptions: connection, api: api, arguments: c.Args().Slice(), timeout: c.Duration("timeout"),
		format: c.String("output"), formatted: c.IsSet("output"), filters: c.StringSlice("filter"), limit: c.Int("limit"), limited: c.IsSet("limit"),
		from: c.String("from"), to: c.String("to"), provider: c.String("provider"), region: c.String("region"),
		watch: c.Bool("watch"), interval: c.Duration("interval"), paced: c.IsSet("interval"),
	}, err
}

// query is what is asked for.
type query struct {
	*readable
	of       string // the name of the service that it is of, or ""
	one      string // the name or the id of the one that is wanted, "" for all
	format   string
	filters  []filter
	limit    int // 0 for none
	from, to moment
	place    url.Values    // of a provider and region, or nil
	interval time.Duration // of looking again, 0 for looking once
}

// filter is a condition that objects meet.
type filter struct {
	path string
	glob *regexp.Regexp
}

// newQuery makes sense of what was typed.
func newQuery(o getOptions) (*query, error) {
	p, args := o.api, o.arguments
	if kind, name, ok := strings.Cut(args[0], "/"); ok && p.readable(kind) != nil {
		args = slices.Concat([]string{kind}, p.readable(kind).parts(name), args[1:])
	}
	q := &query{readable: p.readable(args[0]), format: o.format, limit: o.limit}
	if q.readable == nil {
		var known []string
		for _, r := range p.readables {
			known = append(known, r.name, cmp.Or(r.single, r.name))
		}
		if other := providers.having(args[0]); other != nil && didYouMean(args[0], known) == "" {
			return nil, usage("%s are of %s, and this is %s: add --api %s to get them", args[0], other.api.Title, p.api.Title, other.name())
		}
		return nil, usage("there is nothing called %q to get%s (orgctl get lists what there is)", args[0], didYouMean(args[0], known))
	}
	if err := errors.Join(q.readArguments(o, args[1:]), q.readFlags(o)); err != nil {
		return nil, usage("%w", err)
	}
	return q, nil
}

func (q *query) readArguments(o getOptions, args []string) error {
	if slices.Contains(args, "") {
		return errors.New("an argument is empty; leave it out to get all")
	}
	placed := o.provider != "" || o.region != ""
	switch {
	case placed && !q.region:
		return fmt.Errorf("--provider and --region are of private-endpoint-config; %s are narrowed by --filter FIELD=GLOB", q.name)
	case placed && (o.provider == "" || o.region == ""):
		return errors.New("--provider and --region go together")
	case placed && len(args) > 0:
		return fmt.Errorf("%s of a service or of a region, not of both", q.name)
	case placed:
		q.place = placeOf(o.provider, o.region)
		return nil
	}
	if q.region && len(args) == 1 {
		if provider, region, ok := strings.Cut(args[0], "/"); ok && slices.Contains(places, provider) {
			q.place = placeOf(provider, region)
			return nil
		}
	}
	if q.service && len(args) > 0 {
		q.of, args = args[0], args[1:]
	}
	if q.takes != "" && len(args) > 0 {
		q.one, args = args[0], args[1:]
	}
	switch {
	case len(args) > 0:
		return fmt.Errorf("there is an argument too many: %q; it is orgctl get %s", args[0], q.arguments())
	case q.service && !q.whole && q.of == "":
		return fmt.Errorf("of which service? It is orgctl get %s", q.arguments())
	}
	return nil
}

// places are the providers that the address of a place can begin with; no service is called so.
var places = []string{"aws", "gcp", "azure"}

func placeOf(provider, region string) url.Values {
	return url.Values{"cloud_provider": {provider}, "region_id": {region}}
}

func (q *query) readFlags(o getOptions) (err error) {
	if formats := []string{"table", "wide", "json", "yaml", "name"}; !slices.Contains(formats, q.format) {
		return fmt.Errorf("unknown output format %q: it is one of %s", q.format, strings.Join(formats, ", "))
	}
	all := q.one == "" && q.isList()
	switch {
	case q.text && o.formatted:
		return fmt.Errorf("%s have a form of their own, and no -o", q.name)
	case !all && (len(o.filters) > 0 || o.limited):
		return errors.New("--filter and --limit are for lists")
	case o.limited && q.limit < 1:
		return errors.New("--limit is 1 or more")
	case (o.from != "" || o.to != "") && (q.period == nil || q.one != ""):
		return errors.New("--from and --to are of " + strings.Join(o.api.periods(), " and of "))
	case o.watch && !q.watched:
		return fmt.Errorf("--watch is of services, not of %s", q.name)
	case o.watch && q.format != "table" && q.format != "wide":
		return fmt.Errorf("--watch goes with -o table or wide, not with %s", q.format)
	case o.paced && !o.watch:
		return errors.New("--interval is of --watch")
	case o.interval == 0:
		return errors.New("--interval is longer than nothing")
	}
	for _, text := range o.filters {
		path, glob, ok := strings.Cut(text, "=")
		if !ok || path == "" {
			return fmt.Errorf("--filter %s: it is FIELD=GLOB, such as state=running", text)
		}
		q.filters = append(q.filters, filter{path, globbing(glob)})
	}
	if q.from, err = q.parseMoment("from", o.from); err != nil {
		return err
	}
	if q.to, err = q.parseMoment("to", o.to); err != nil {
		return err
	}
	if o.watch {
		q.interval = o.interval
	}
	return nil
}

// globbing matches a whole text, slashes included: * stands for any number of characters, ? for one.
func globbing(glob string) *regexp.Regexp {
	pattern := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(glob))
	return regexp.MustCompile(`(?s)\A` + pattern + `\z`)
}

// moment is a time, or how long before now it is.
type moment struct {
	at  time.Time
	ago time.Duration
}

func (q *query) parseMoment(flag, text string) (moment, error) {
	if text == "" {
		return moment{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return moment{at: at}, nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil && q.period != nil && q.period.days {
		return moment{at: at}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago > 0 {
		return moment{ago: ago}, nil
	}
	return moment{}, fmt.Errorf("--%s %s: it is a time such as 2026-03-01T00:00:00Z, or a duration before now such as 24h", flag, text)
}

func (m moment) time(now time.Time) time.Time {
	if m.ago > 0 {
		return now.Add(-m.ago)
	}
	return m.at
}

// get shows what is asked for, with a client that cannot write.
func get(ctx context.Context, e *env, o getOptions, q *query) error {
	t, err := newTarget(e, o.connectionOptions, o.api, refuseAbsent)
	if err != nil {
		return err
	}
	wanted, err := t.wanted(&spec.Organization{})
	if err != nil {
		return err
	}
	p, err := newProgress(e, o.debug)
	if err != nil {
		return err
	}
	api, err := t.dial(e, o.connectionOptions, p, client.ReadOnly())
	if err != nil {
		return err
	}
	l := &lookup{api: api, progress: p, query: q}
	if err := l.identify(ctx, wanted); err != nil {
		return err
	}
	if q.of != "" {
		of := o.api.readable("service")
		services, err := l.list(ctx, of, "")
		if err != nil {
			return err
		}
		service, err := choose(of, services, q.of)
		if err != nil {
			return err
		}
		l.service = service.Text("id")
	}
	switch {
	case q.text:
		end := p.show("reading " + q.name)
		text, err := api.ReadText(ctx, l.organization, nil, l.segments(q.path, "")...)
		if end(); err != nil {
			return fmt.Errorf("get %s: %w", q.name, err)
		}
		return view.Verbatim(e.stdout, text, e.stdoutTTY)
	case q.interval > 0:
		return watch(ctx, e, l, max(time.Duration(q.interval.Seconds()*float64(t.tick)), time.Millisecond))
	}
	objects, err := l.objects(ctx)
	if err != nil {
		return err
	}
	if q.period != nil {
		var unclear int
		if objects, unclear = q.period.narrow(objects, q.from.time(l.now()), q.to.time(l.now())); unclear > 0 {
			_ = view.Message(e.notes(), fmt.Sprintf("%d of the %s tell no time that could be compared (%s): they are kept", unclear, q.name, q.period.field))
		}
	}
	if err := noteAbsent(e, q, objects); err != nil {
		return err
	}
	return q.show(e, q.narrow(objects))
}

// lookup is a query under way.
type lookup struct {
	api          api
	progress     *progress
	organization string
	service      string // the id of the one that it is of, or ""
	*query
}

// identify finds the organization, which has to be the wanted one if there is one.
func (l *lookup) identify(ctx context.Context, wanted string) error {
	defer l.progress.show("reading the organization")()
	organization, err := l.api.identify(ctx, wanted)
	l.organization = organization
	return err
}

// objects are all that is asked for.
func (l *lookup) objects(ctx context.Context) ([]view.Object, error) {
	if l.one != "" && l.takes == "ID" {
		return l.list(ctx, l.readable, l.one)
	}
	all, err := l.list(ctx, l.readable, "")
	if l.takes != "ID" && !l.log { // the API lists by time what has no name, and in no order what has
		slices.SortStableFunc(all, func(a, b view.Object) int { return cmp.Compare(l.title(a), l.title(b)) })
	}
	if err != nil || l.one == "" {
		return all, err
	}
	chosen, err := choose(l.readable, all, l.one)
	id := chosen.Text(l.id)
	if err != nil || l.readable.one == "" || id == "" {
		return []view.Object{chosen}, err
	}
	return l.list(ctx, l.readable, id)
}

// list reads all of something, or the one of an id.
func (l *lookup) list(ctx context.Context, what *readable, id string) ([]view.Object, error) {
	path, about := what.path, what.name
	if id != "" {
		path, about = what.one, what.single
	}
	parameters, err := l.parameters(what)
	if err != nil {
		return nil, err
	}
	defer l.progress.show("reading " + about)()
	raw, err := l.api.Read(ctx, l.organization, parameters, l.segments(path, id)...)
	switch {
	case what.optional && errors.Is(err, client.ErrNotFound):
		return nil, fmt.Errorf("service %q has no %s", l.of, about)
	case err != nil:
		return nil, fmt.Errorf("get %s: %w", about, err)
	}
	found, err := view.ParseObject(raw)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", about, err)
	}
	if what.member != "" && id == "" {
		found, _ = found.Member(what.member)
	}
	return found.Elements(), nil
}

func (l *lookup) parameters(what *readable) (url.Values, error) {
	if what != l.readable || l.period == nil {
		return l.place, nil
	}
	now := l.now()
	return l.period.parameters(l.from.time(now), l.to.time(now), now)
}

// now is the time by the clock of the API, or by ours as long as that is not known.
func (l *lookup) now() time.Time {
	if now := l.api.ServerTime(); !now.IsZero() {
		return now
	}
	return time.Now()
}

// segments are those of a path, with ids in their places. What is not of a service is of all.
func (l *lookup) segments(path, id string) []string {
	if path == "" {
		return nil
	}
	if l.service == "" {
		path = strings.TrimPrefix(path, "services/{service}/")
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch s {
		case "{service}":
			segments[i] = l.service
		case "{id}":
			segments[i] = id
		}
	}
	return segments
}

// fewNames is how many names are told to somebody who has asked for another one.
const fewNames = 10

// choose finds the one of a name.
func choose(what *readable, all []view.Object, name string) (view.Object, error) {
	var found []view.Object
	var names []string
	for _, o := range all {
		if what.meant(o, name) {
			found = append(found, o)
		}
		names = append(names, what.title(o))
	}
	byID := func(o view.Object) bool { return what.id != "" && o.Text(what.id) == name }
	switch i := slices.IndexFunc(all, byID); {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		full := make([]string, len(found))
		for i, o := range found {
			full[i] = what.unique(o, found)
		}
		return view.Object{}, fmt.Errorf("%d %s are called %q; say which: %s", len(found), what.name, name, strings.Join(full, ", "))
	case i >= 0:
		return view.Object{}, fmt.Errorf("%s is the id of %s %q, and objects are selected by name", name, what.single, names[i])
	case len(names) == 0:
		return view.Object{}, fmt.Errorf("there is no %s %q: there are none at all", what.single, name)
	}
	meant := didYouMean(name, names)
	if meant == "" && len(names) > fewNames {
		meant = fmt.Sprintf("; orgctl get %s lists all %d", what.name, len(names))
	} else if meant == "" {
		slices.Sort(names)
		meant = "; there are: " + strings.Join(names, ", ")
	}
	return view.Object{}, fmt.Errorf("there is no %s %q%s", what.single, name, meant)
}

// unique is what selects an object among others.
func (r *readable) unique(o view.Object, among []view.Object) string {
	title := r.title(o)
	same := 0
	for _, other := range among {
		if r.meant(other, title) {
			same++
		}
	}
	switch {
	case same > 1 && r.joined == nil && r.id != "":
		return title + "#" + o.Text(r.id)
	default:
		return title
	}
}

// narrow leaves what meets every condition, up to the limit.
func (q *query) narrow(objects []view.Object) []view.Object {
	kept := slices.DeleteFunc(slices.Clone(objects), func(o view.Object) bool {
		return slices.ContainsFunc(q.filters, func(f filter) bool { return !slices.ContainsFunc(q.values(o, f.path), f.glob.MatchString) })
	})
	if q.limit > 0 {
		kept = kept[:min(q.limit, len(kept))]
	}
	return kept
}

// noteAbsent says of a filter for a field that no object has that it is probably misspelt; the API leaves out what is not set.
func noteAbsent(e *env, q *query, objects []view.Object) error {
	for _, f := range q.filters {
		name, _, _ := strings.Cut(f.path, ".")
		var known []string
		for _, o := range objects {
			known = append(known, o.Fields()...)
			if len(q.values(o, f.path)) > 0 {
				known = append(known, name)
			}
		}
		if len(objects) == 0 || slices.Contains(known, name) {
			continue
		}
		if err := view.Message(e.notes(), fmt.Sprintf("none of the %s has a field %q%s", q.name, name, didYouMean(name, known))); err != nil {
			return err
		}
	}
	return nil
}

// show writes objects in the form that is wanted. A list stays one, however many it has.
func (q *query) show(e *env, objects []view.Object) error {
	single := q.one != "" || !q.isList()
	switch {
	case q.format == "json" && single:
		return view.JSON(e.stdout, objects[0])
	case q.format == "json":
		return view.JSONList(e.stdout, objects)
	case q.format == "yaml" && single:
		return view.YAML(e.stdout, objects[0])
	case q.format == "yaml":
		return view.YAMLList(e.stdout, objects)
	case len(objects) == 0 && q.log:
		return view.Message(e.notes(), "there is nothing in "+q.name+" to show")
	case len(objects) == 0:
		return view.Message(e.notes(), "there are no "+q.name+" to show")
	case q.format == "name":
		lines := make([]string, len(objects))
		for i, o := range objects {
			lines[i] = q.full(o, objects)
		}
		return view.Lines(e.stdout, lines)
	}
	var rows [][]string
	for _, o := range objects {
		parts := o.Parts(q.rows)
		if q.pairs {
			parts = o.Pairs()
		}
		for _, part := range parts {
			rows = append(rows, q.row(part))
		}
		if q.pairs {
			continue
		}
		rows = append(rows, q.row(o))
	}
	return q.table().Write(e.stdout, rows, e.stdoutView())
}

// full is the address of an object, which get takes in the place of KIND and NAME.
func (q *query) full(o view.Object, among []view.Object) string {
	parts := []string{q.address, q.of, q.place.Get("cloud_provider"), q.place.Get("region_id"), q.unique(o, among)}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "/")
}

// shown are the columns of the table that is wanted.
func (q *query) shown() []column {
	return slices.DeleteFunc(slices.Clone(q.columns), func(c column) bool { return c.wide && q.format != "wide" })
}

func (q *query) table() *view.Table {
	var titles []string
	for _, c := range q.shown() {
		titles = append(titles, c.title)
	}
	return view.NewTable(titles...)
}

func (q *query) row(o view.Object) []string {
	var cells []string
	for _, c := range q.shown() {
		cells = append(cells, c.text(o))
	}
	return cells
}

// gone is the state of an object that is not there any more.
const gone = "gone"

// watch shows a table, and further rows whenever something of it has changed, until its context ends.
func watch(ctx context.Context, e *env, l *lookup, interval time.Duration) error {
	table := l.table()
	shown := map[string][]string{} // the last row of each, by id
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		objects, err := l.objects(ctx)
		if err != nil {
			return err
		}
		rows := changed(l.query, shown, objects)
		if len(rows) > 0 {
			if err := table.Write(e.stdout, rows, e.stdoutView()); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// changed gives the rows that are not as they were shown last, and takes note of them. What does not meet the conditions any more
// is shown once as it is now.
func changed(q *query, shown map[string][]string, objects []view.Object) [][]string {
	wanted, there := map[string]bool{}, map[string]bool{}
	for _, o := range q.narrow(objects) {
		wanted[o.Text(q.id)] = true
	}
	var rows [][]string
	for _, o := range objects {
		id, row := o.Text(q.id), q.row(o)
		there[id] = true
		last, known := shown[id]
		if (wanted[id] || known) && !slices.Equal(last, row) {
			rows = append(rows, row)
		}
		if delete(shown, id); wanted[id] {
			shown[id] = row
		}
	}
	for _, id := range slices.Sorted(maps.Keys(shown)) {
		if !there[id] {
			row := make([]string, len(shown[id]))
			row[0], row[1] = shown[id][0], gone
			rows = append(rows, row)
			delete(shown, id)
		}
	}
	return rows
}
