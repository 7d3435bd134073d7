"""A tree that a policy had a hand in, written so that nothing of it is active."""

from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest

from leanrl.report.mathematics.markup import UnknownMarkupError, math_markup


def written(xml: str) -> str:
    whole = str(math_markup(fromstring(f"<math>{xml}</math>"), source="$s$", is_display=False))
    start, end = (
        "<math><semantics><mrow>",
        '</mrow><annotation encoding="application/x-tex">$s$</annotation></semantics></math>',
    )
    assert whole.startswith(start)
    assert whole.endswith(end)
    return whole[len(start) : -len(end)]


def test_elements_with_their_attributes() -> None:
    xml = (
        '<mfrac linethickness="0"><mi>a</mi><mrow><mo stretchy="false">(</mo><mspace width="0.167em" /></mrow></mfrac>'
    )
    assert written(xml) == xml.replace(" />", "></mspace>")


@pytest.mark.parametrize(
    "attribute",
    [
        'href="javascript:alert(1)"', 'onclick="x"', 'style="position:fixed"', 'class="pill"', 'id="points"',
        'mathcolor="white"', 'mathbackground="red"', 'width="99999em"', 'width="-30em"',
        'stretchy="x&quot; onload=&quot;y"',
        'xmlns:x="http://example.org"', 'mathvariant="A B"', 'src="x"', 'mathsize="90em"',
    ],
)  # fmt: skip
def test_other_attributes_go(attribute: str) -> None:
    assert written(f"<mi {attribute}>a</mi>") == "<mi>a</mi>"


@pytest.mark.parametrize(
    "tag", ["script", "a", "img", "maction", "annotation-xml", "semantics", "style", "svg", "iframe"]
)
def test_another_element_refuses_the_formula(tag: str) -> None:
    with pytest.raises(UnknownMarkupError):
        written(f"<mrow><{tag}>a</{tag}></mrow>")


def test_text_is_escaped_and_references_are_characters_first() -> None:
    """The second is what latex2mathml makes of a symbol, or a policy of its own text."""
    assert written("<mtext>&lt;img onerror=x&gt;</mtext>") == "<mtext>&lt;img onerror=x&gt;</mtext>"
    assert written("<mtext>&amp;#x3c;script&amp;#x3E;&amp;#x003C0;</mtext>") == "<mtext>&lt;script&gt;π</mtext>"
    assert (
        written("<mtext>&amp;#x202E;&amp;#x0;&amp;#xD800;&amp;#xFFFFFF;</mtext>")
        == "<mtext>" + 4 * "\ufffd" + "</mtext>"
    )


def test_the_source_is_escaped() -> None:
    markup = math_markup(Element("math"), source="</annotation><script>\u202e", is_display=True)
    assert '<annotation encoding="application/x-tex">&lt;/annotation&gt;&lt;script&gt;\ufffd</annotation>' in markup
    assert markup.startswith('<math display="block">')


def test_a_box_is_drawn_by_the_page() -> None:
    assert written('<menclose notation="box"><mn>7</mn></menclose>') == '<mrow class="boxed"><mn>7</mn></mrow>'


def test_deeper_than_a_reader_can_see_is_refused() -> None:
    root = inner = Element("math")
    for _ in range(70):
        inner = SubElement(inner, "mrow")
    with pytest.raises(UnknownMarkupError):
        math_markup(root, source="", is_display=False)


@pytest.mark.parametrize(
    "xml", ["<mfrac><mn>1</mn></mfrac>", "<msup><mi>x</mi></msup>", "<munderover><mo>x</mo><mi>i</mi></munderover>"]
)
def test_an_element_that_lacks_a_part_refuses_the_formula(xml: str) -> None:
    with pytest.raises(UnknownMarkupError):
        written(xml)


def test_a_base_of_several_parts_becomes_one() -> None:
    """What latex2mathml makes of a matrix to the power of -1: a browser would show no exponent."""
    parts = "<mo>(</mo><mtable></mtable><mo>)</mo>"
    assert written(f"<msup>{parts}<mn>2</mn></msup>") == f"<msup><mrow>{parts}</mrow><mn>2</mn></msup>"
    assert (
        written(f"<msubsup>{parts}<mn>1</mn><mn>2</mn></msubsup>")
        == f"<msubsup><mrow>{parts}</mrow><mn>1</mn><mn>2</mn></msubsup>"
    )
