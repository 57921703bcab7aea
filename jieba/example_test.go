package jieba_test

import (
	"fmt"
	"strings"

	"coigwriter/jieba"
)

func ExampleCut() {
	fmt.Println(strings.Join(jieba.Cut("我来到北京清华大学"), "/"))
	// Output: 我/来到/北京/清华大学
}

// A long text needs no long slice.
func ExampleTokens() {
	n := 0
	for token := range jieba.Tokens("小明硕士毕业于中国科学院计算所，后在日本京都大学深造。") {
		if len([]rune(token)) > 1 {
			n++
		}
	}
	fmt.Println(n)
	// Output: 9
}
