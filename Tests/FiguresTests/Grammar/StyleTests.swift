import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// Sizes of figures and letters.
@Suite struct StyleTests {
  private static func document(_ style: StyleDeclaration?, panels: Int = 3) throws -> JSONValue {
    var declaration = FigureDeclaration(name: "f", kind: .recoveryRate, epochs: [5, 100])
    declaration.style = style
    let results = Synthetic.sweep(decays: (0..<panels).map(Double.init), multiples: [1, 2], seedCount: 2)
    return try figureSpecifications(of: declaration, from: results)[0].document
  }

  private static func sizes(_ document: JSONValue) -> (letters: Double, panel: Double) {
    (
      document["config"]?["axis"]?["labelFontSize"]?.number ?? 0, document["spec"]?["width"]?.number ?? 0
    )
  }

  @Test func lettersOfSlidesAreLargeForTheWidth() throws {
    let print = Self.sizes(try Self.document(nil))
    let slides = Self.sizes(try Self.document(StyleDeclaration(slides: true)))
    #expect(print.letters == 10 && slides.letters == 15.5)
    // 960 of 1920 pixels: letters of 23.
    #expect(slides.panel < print.panel && slides.letters * 960 / 643 > 22)
    #expect(Self.sizes(try Self.document(StyleDeclaration(slides: false))) == print)
  }

  @Test func widthsAreCentimetres() throws {
    let narrow = try Self.document(StyleDeclaration(width: 8.5), panels: 2)
    let wide = try Self.document(StyleDeclaration(width: 17), panels: 2)
    let (small, large) = (Self.sizes(narrow).panel, Self.sizes(wide).panel)
    // Two panels in 321 and 643 pixels.
    #expect(2 * small + 92 <= 321 && 2 * small + 92 > 280)
    #expect(large > 2 * small)
  }

  @Test func fontsComeFirst() throws {
    let document = try Self.document(StyleDeclaration(font: "Carlito", fontSize: 9))
    #expect(document["config"]?["font"]?.text?.hasPrefix("Carlito, ") ?? false)
    #expect(document["config"]?["axis"]?["labelFontSize"] == 12)
  }

  @Test func legendsAreNoWiderThanTheirPanels() {
    let style = FigureStyle()
    let names = ["all teacher nodes recovered", "below 10⁻⁴", "below 10⁻⁶"]
    #expect(style.legend(title: "", names: names, symbol: "circle", room: 600)["columns"] == nil)
    #expect(style.legend(title: "", names: names, symbol: "circle", room: 250)["columns"] == 1)
    let titled = style.legend(title: "over-realization", names: ["1x", "2x", "5x", "10x"], symbol: "stroke", room: 240)
    #expect(titled["titleOrient"] == "top" && titled["columns"] == nil)
    #expect(
      style.legend(title: "", names: names, symbol: "circle")["labelFont"]?.text?.hasPrefix("DejaVu Sans") ?? false)
  }

  @Test func powersOfTenAreRaised() {
    #expect([0, 1, 2, -16].map(LogarithmicAxis.raised) == ["1", "10", "10²", "10⁻¹⁶"])
    let axis = LogarithmicAxis("loss", around: [1e-3, 10])
    #expect(axis.ends.lowerBound < 1e-3 && axis.ends.upperBound > 10, "no dot on the frame")
  }
}
