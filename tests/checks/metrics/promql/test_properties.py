"""For any text: no crash, no lost character, and places that are true."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from trueup.metrics.promql import layout_of, lost_le, parse, tokens_of, uses_of
from trueup.metrics.promql.filling import fill

WORDS = st.sampled_from(
    "sum rate ( ) { } [ ] , = =~ \" ' ` x a:b x_bucket by on le $v ${v:regex} [[v]] 5m 0.9 + - * / and or offset @ "
    "start() bool : histogram_quantile __name__ # \\ $ {{ x }} <<.Series>> \n é 💡 topk ~ ! % ;".split(" ")
)
TEXTS = st.one_of(
    st.text(max_size=60), st.lists(WORDS, max_size=25).map(" ".join), st.lists(WORDS, max_size=25).map("".join)
)
NAMES = st.from_regex(r"[a-z]{1,8}:[a-z_]{1,12}", fullmatch=True)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_no_text_is_too_strange(text: str) -> None:
    parsed = parse(text)
    for use in uses_of(parsed):
        assert all(0 <= named.start <= named.end <= len(text) for named in use.names)
    lost_le(parsed)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_tokens_are_the_text_in_order(text: str) -> None:
    end = 0
    for token in tokens_of(text):
        assert token.text == text[token.start : token.end]
        assert token.start >= end
        skipped = text[end : token.start]
        assert not skipped.strip() or "#" in skipped
        end = token.end


@given(TEXTS, st.sampled_from(["number", "name"]))
@settings(max_examples=300, deadline=None)
def test_filling_in_moves_nothing(text: str, operand: str) -> None:
    tokens = tokens_of(text)
    filled = fill(text, tokens, layout_of(tokens), operand=operand)
    assert len(filled.text) == len(text)


@given(
    NAMES,
    st.sampled_from(
        ["rate({}[5m])", "sum by (a) ({})", '{}{{a="b"}}', "x + {} * y", 'label_replace({}, "a", "b", "c", "")']
    ),
)
def test_a_name_is_found_where_it_stands(name: str, shape: str) -> None:
    text = shape.format(name)
    names = [named for use in uses_of(parse(text)) for named in use.names]
    assert [text[one.start : one.end] for one in names if one.text == name] == [name]
