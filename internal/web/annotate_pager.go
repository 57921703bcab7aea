package web

import (
	"net/url"
	"strings"
)

// maxTrail bounds how many pages back an address remembers.
const maxTrail = 20

// cursorPager makes the links of a list that only knows its next cursor: the cursors of the
// pages before travel in the address as a trail, so that going back is a link too.
func cursorPager(u *url.URL, next string, shown, total int) Cursor {
	c := Cursor{Shown: shown, Total: total}
	q := u.Query()
	after := q.Get("after")
	var trail []string
	if t := q.Get("trail"); t != "" {
		trail = strings.Split(t, ".")
	}
	if after != "" {
		back := ""
		rest := trail
		if n := len(trail); n > 0 {
			back, rest = trail[n-1], trail[:n-1]
		}
		c.Prev = pageAt(u, back, rest)
	}
	if next != "" {
		if after != "" {
			trail = append(trail, after)
		}
		if len(trail) > maxTrail {
			trail = trail[len(trail)-maxTrail:]
		}
		c.Next = pageAt(u, next, trail)
	}
	return c
}

func pageAt(u *url.URL, after string, trail []string) string {
	q := u.Query()
	q.Del("after")
	q.Del("trail")
	if after != "" {
		q.Set("after", after)
	}
	if len(trail) > 0 {
		q.Set("trail", strings.Join(trail, "."))
	}
	if len(q) == 0 {
		return u.Path
	}
	return u.Path + "?" + q.Encode()
}
