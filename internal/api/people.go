package api

import (
	"context"
	"net/http"
	"time"

	"coigwriter/internal/audit"
	"coigwriter/internal/user"
)

// An Event is a line of an item's history.
type Event struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Action string    `json:"action"`
	From   string    `json:"from,omitempty"`
	To     string    `json:"to,omitempty"`
	Reason string    `json:"reason,omitempty"`
	Data   string    `json:"data,omitempty"`
	Hash   string    `json:"hash"`
}

func (a *API) people() {
	d := a.opt.DB
	op(a, http.MethodGet, "/me", user.Self, "Who the token speaks for", func(ctx context.Context, _ *struct{}) (*body[*user.Person], error) {
		return answer(by(ctx), nil)
	})
	op(a, http.MethodGet, "/people", user.PeopleManage, "Everybody", func(ctx context.Context, _ *struct{}) (*body[[]*user.Person], error) {
		return answer(user.List(ctx, d))
	})
	op(a, http.MethodPost, "/people", user.PeopleManage, "Add a person; the answer holds a one-time secret for /password/<secret>", func(ctx context.Context, in *struct {
		Body struct {
			Login      string      `json:"login"`
			Name       string      `json:"name"`
			Roles      []user.Role `json:"roles"`
			Specialist bool        `json:"specialist,omitempty"`
		}
	},
	) (*body[map[string]string], error) {
		p, err := user.Add(ctx, d, by(ctx).ID, user.New{Login: in.Body.Login, Name: in.Body.Name, Roles: in.Body.Roles, Specialist: in.Body.Specialist})
		if err != nil {
			return nil, err
		}
		secret, err := user.NewPasswordLink(ctx, d, by(ctx).ID, p.ID)
		return answer(map[string]string{"id": p.ID, "password_secret": secret}, err)
	})
	op(a, http.MethodGet, "/history/{kind}/{id}", user.HistoryRead, "The history of an item, oldest first", func(ctx context.Context, in *struct {
		Kind string `path:"kind" enum:"source,triplet,review,release,person,project"`
		ID   string `path:"id" maxLength:"64"`
	},
	) (*body[[]Event], error) {
		evs, err := audit.History(ctx, d, in.Kind, in.ID)
		out := make([]Event, len(evs))
		for i, e := range evs {
			out[i] = Event{e.Seq, e.At, e.Actor, e.Action, e.From, e.To, e.Reason, e.Data, e.Hash}
		}
		return answer(out, err)
	})
}
