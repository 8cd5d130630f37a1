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

  private static func ticks(_ axis: LogarithmicAxis) -> [Double] {
    axis.encoding("y")["axis"]?["values"]?.elements?.compactMap(\.number) ?? []
  }

  @Test("an axis within a decade has labels at 1, 2 and 5")
  func narrowAxes() {
    let axis = LogarithmicAxis("loss", around: [0.13, 0.8])
    #expect(Self.ticks(axis) == [0.1, 0.2, 0.5, 1])
    #expect(axis.ends.lowerBound < 0.1 && axis.ends.lowerBound > 0.09 && axis.ends.upperBound < 1.1)
    #expect(Self.ticks(LogarithmicAxis("loss", around: [1.77, 1.77])) == [1.5, 2])
    #expect(Self.ticks(LogarithmicAxis("loss", around: [1.77, 1.16])) == [1, 1.5, 2])
    #expect(Self.ticks(LogarithmicAxis("loss", around: [5, 5])) == [5, 6])
    #expect(Self.ticks(LogarithmicAxis("loss", around: [0.9, 1.2])) == [0.5, 1, 2])
    #expect(Self.ticks(LogarithmicAxis("loss", around: [1.5e-7, 2e-8])) == [2e-8, 5e-8, 1e-7, 2e-7])
    #expect(Self.ticks(LogarithmicAxis("loss", around: [4e-320, 5e-320])).count >= 2)
    #expect(
      LogarithmicAxis("loss", around: [3e-7, 2e-7]).encoding("y")["axis"]?["labelExpr"]?.text?.contains("2·10⁻⁷")
        ?? false)
    #expect(Self.ticks(LogarithmicAxis("loss", around: [])) == [1, 10])
  }

  @Test("however little room there is, two powers are labelled")
  func twoLabels() {
    var axis = LogarithmicAxis("loss", around: [1e-4, 1e-2])
    axis.labelCount = 1
    #expect(Self.ticks(axis) == [1e-4, 1e-2])
    #expect(Self.ticks(LogarithmicAxis("loss", around: [1, 2], isOfPowers: true)) == [1, 10])
  }

  @Test("epochs are whole numbers, also where there are few")
  func fewEpochs() {
    #expect(FigureStyle().epochs([1, 2, 3])["axis"]?["values"] == [1, 2, 3])
    #expect(FigureStyle().epochs(Array(0...8))["axis"]?["values"] == nil)
  }

  @Test("names along an axis stand at an angle where they do not fit beside each other, and brackets give way to names")
  func tightAxes() {
    func wrapped(_ title: String, _ names: [JSONValue], width: Double) -> JSONValue? {
      FigureStyle().wrapped(
        ["x": ["title": .text(title), "sort": .array(names), "axis": ["labelAngle": 0]]], width: width)["x"]
    }
    let names: [JSONValue] = ["plain", "perturbedTeacher", "teacherDirections"]
    #expect(wrapped("initialization", names, width: 170)?["axis"]?["labelAngle"] == -35)
    #expect(wrapped("initialization", names, width: 400)?["axis"]?["labelAngle"] == 0)
    #expect(wrapped("teacher node j (1\u{a0}=\u{a0}strongest)", [], width: 170)?["title"]?.text?.contains("(") ?? false)
    #expect(wrapped("teacher node j (1\u{a0}=\u{a0}strongest)", [], width: 60)?["title"] == ["teacher node", "j"])
  }

  @Test("headings that would lie on each other are values under one title")
  func longHeadings() {
    let style = FigureStyle()
    func header(_ panels: Panels, room: Double) -> JSONValue? { panels.facet(room: room, style: style)["header"] }
    let headings = Panels(
      "p", labels: ["inputs.standardDeviation 1"], title: "inputs.standardDeviation", headings: true)
    #expect(header(headings, room: 200)?["title"] == .null)
    #expect(header(headings, room: 120)?["title"] == "inputs.standardDeviation")
    #expect(header(headings, room: 120)?["labelExpr"] == "slice(datum.label, 25)")
    let values = Panels("p", labels: ["1"], title: "inputs.standardDeviation", headings: false)
    #expect(header(values, room: 200)?["labelExpr"] == .text(FigureStyle.heading("inputs.standardDeviation")))
    #expect(header(values, room: 120)?["labelExpr"] == "(datum.label)")
    #expect(header(Panels("p", labels: ["a name that is long"]), room: 10)?["title"] == .null)
  }
}
