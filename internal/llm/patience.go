package llm

// enough is how many transient failures, or rejections of the key, in a row end a run: the server is
// down, or the account empty, and every further question would only meet the same.
const enough = 5

// A Patience decides when a run ends early. The zero value is ready; it is not for several goroutines
// at once.
type Patience struct {
	inARow   map[Kind]int // failures since the last answer
	rejected *Failure     // of the key, since the last answer
}

// Saw takes the outcome of one question, nil for an answer, and returns the failure that ends the run,
// or nil while it goes on: a server that is missing or knows no such model ends it at once, one that is
// silent or rejects the key after a few in a row.
func (p *Patience) Saw(f *Failure) *Failure {
	if f == nil {
		p.inARow, p.rejected = nil, nil
		return nil
	}
	if f.Kind == KindAuth {
		p.rejected = f
	}
	if p.inARow == nil {
		p.inARow = map[Kind]int{}
	}
	p.inARow[f.Kind]++
	patient := f.Kind == KindTransient || f.Kind == KindAuth
	if patient && p.inARow[f.Kind] >= enough || f.Kind.Stops() && !patient {
		return f
	}
	return nil
}

// Rejected is the last rejection of the key that no answer followed: why a short run that came to its
// end has done nothing. nil without one.
func (p *Patience) Rejected() *Failure { return p.rejected }
