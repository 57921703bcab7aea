package screen

import (
	"strconv"

	"coigwriter/internal/genre"
	"coigwriter/internal/source"
	"coigwriter/internal/text"
)

// The paper's articles run from 12 to 31,071 code points, so no fixed limit is right; without a
// genre only the extremes are worth a word.
const (
	leastChars = 12     // less cannot be a text of any genre
	fewChars   = 50     // without a genre: a slogan, or a page whose body was lost
	manyChars  = 40_000 // without a genre: longer than the longest in the paper
)

func tooShort(in Input) (Finding, bool) {
	n := text.Len(in.Text)
	count := strconv.Itoa(n)
	switch low := in.Range.Min(); {
	case n < leastChars:
		return found(source.LevelRefuse, "too-short.any", in.Text, "n", count, "min", strconv.Itoa(leastChars))
	case low > 0 && n*2 < low:
		return found(source.LevelAsk, "too-short.genre", in.Text, "n", count, "min", strconv.Itoa(low))
	case low > 0 && n < low:
		return found(source.LevelNote, "too-short.genre", in.Text, "n", count, "min", strconv.Itoa(low))
	case low == 0 && n < fewChars:
		return found(source.LevelAsk, "too-short.nogenre", in.Text, "n", count)
	}
	return nothing()
}

func tooLong(in Input) (Finding, bool) {
	n := text.Len(in.Text)
	count := strconv.Itoa(n)
	switch high := in.Range.Max(); {
	case high > 0 && n > 2*high:
		return found(source.LevelAsk, "too-long.genre", "", "n", count, "max", strconv.Itoa(high))
	case high > 0 && n > high:
		return found(source.LevelNote, "too-long.genre", "", "n", count, "max", strconv.Itoa(high))
	case high == 0 && n > manyChars:
		return found(source.LevelAsk, "too-long.nogenre", "", "n", count)
	}
	return nothing()
}

var (
	shortPass = Input{Text: "让每一次出发，都有回家的灯火。", Range: genre.Range{12, 1400}}
	shortFail = Input{Text: "雨停了。他没有走。", Range: genre.Range{120, 27000}}
	longPass  = Input{Text: repeat("窗外的雨下了一夜，谁也没有睡着。", 20), Range: genre.Range{120, 1000}}
	longFail  = Input{Text: repeat("窗外的雨下了一夜，谁也没有睡着。", 200), Range: genre.Range{12, 1000}}
)
