package web

import (
	"context"
	"strings"

	"coigwriter/internal/user"
)

// roleNames writes roles in the page's language.
func roleNames(ctx context.Context, roles []user.Role) string {
	words := make([]string, len(roles))
	for i, r := range roles {
		words[i] = T(ctx, "people.role_"+string(r))
	}
	return joined(ctx, words)
}

// mayWord is a permission in words.
func mayWord(ctx context.Context, p user.Permission) string {
	return T(ctx, "people.may_"+strings.ReplaceAll(string(p), ".", "_"))
}
