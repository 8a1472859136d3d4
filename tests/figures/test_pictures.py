import xml.etree.ElementTree as ElementTree

from matplotlib.figure import Figure

from closedbook.figures.pictures import as_png, as_svg, as_svg_file


def drawn() -> Figure:
    """A line with a label."""
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    axes.plot([1, 3, 2])
    axes.set_title("ä < b")
    return figure


def test_the_same_figure_has_the_same_bytes():
    """Neither the time nor a random id is in the files."""
    assert as_png(drawn()) == as_png(drawn())
    assert as_svg_file(drawn()) == as_svg_file(drawn())


def test_the_resolution_is_in_dots_per_inch():
    """A figure of 2 by 1 inches has 2 by 1 times the dots per inch; they are in bytes 16 to 24 of a PNG."""
    assert as_png(drawn(), dots_per_inch=60)[16:24] == (120).to_bytes(4, "big") + (60).to_bytes(4, "big")


def test_an_svg_element_is_for_html():
    """It is well-formed, has a viewBox and no size, and names no namespace and no other address."""
    svg = as_svg(drawn())
    element = ElementTree.fromstring(svg.replace("xlink:", ""))
    assert element.tag == "svg"
    assert element.attrib.keys() == {"viewBox"}
    assert "http" not in svg
