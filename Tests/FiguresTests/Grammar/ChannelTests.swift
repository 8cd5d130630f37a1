import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// Which keys figures tell apart, and in which colours.
@Suite struct ChannelTests {
  private static func sweep(
    _ settings: [Setting], varied: [String], zipped: [[String]] = []
  ) -> StudyResults {
    let runs = settings.enumerated().map { index, setting in
      Synthetic.run(setting, index: index, [.init(.evaluationLoss, epoch: 0, values: [0.1 * Double(index + 1)])])
    }
    var results = FigureDataTests.results(runs, varied: varied)
    results.study.zippedKeys = zipped
    return results
  }

  private static func setting(_ change: (inout Setting) -> Void) -> Setting {
    var setting = Synthetic.setting(epochs: 0)
    change(&setting)
    return setting
  }

  private static func draw(
    _ results: StudyResults, selection: [String: [KeyValue]] = [:],
    channels: [String: PlotDeclaration.Axis]? = nil
  ) throws -> FigureSpecification {
    var declaration = FigureDeclaration(name: "f", kind: .evaluationLoss, selection: selection)
    declaration.channels = channels
    return try figureSpecifications(of: declaration, from: results)[0]
  }

  private static func colors(_ figure: FigureSpecification) -> [String: String] {
    let scale = figure.document["spec"]?["encoding"]?["color"]?["scale"]
    return Dictionary(
      uniqueKeysWithValues: zip(scale?["domain"]?.elements ?? [], scale?["range"]?.elements ?? []).compactMap {
        name, color in name.text.flatMap { name in color.text.map { (name, $0) } }
      })
  }

  @Test func aColorBelongsToAValue() throws {
    func study(_ multiples: [Double]) -> StudyResults {
      Self.sweep(
        multiples.map { multiple in Self.setting { $0.student.overRealization = OverRealization(multiple) } },
        varied: ["student.overRealization"])
    }
    let all = Self.colors(try Self.draw(study([1, 2, 5, 10])))
    #expect(Set(all.values).count == 4)
    let part: [String: [KeyValue]] = ["student.overRealization": [.number(5), .number(10)]]
    #expect(
      Self.colors(try Self.draw(study([1, 2, 5, 10]), selection: part))
        == all.filter { ["5x", "10x"].contains($0.key) })
    let other = Self.colors(try Self.draw(study([1.5, 5, 6, 7, 20])))
    #expect(other["5x"] == all["5x"] && Set(other.values).count == 5)
    let alone = Self.colors(try Self.draw(study([5])))
    #expect(alone == ["5x": all["5x"] ?? ""])
    // More than there are colours to tell apart.
    let many = Self.colors(try Self.draw(study((1...14).map(Double.init))))
    #expect(Set(many.values).count == 14)
  }

  /// Factors by layer stand among numbers by their mean, those that widen lower layers first, in colours of their own.
  @Test func factorsByLayerAreOrderedAndColoured() throws {
    let factors: [OverRealization] = [2, OverRealization([1, 1, 2]), 1, OverRealization([2, 1, 1]), 5]
    let results = Self.sweep(
      factors.map { factors in
        Self.setting {
          $0.teacher.widths = LayerWidths([3, 3, 3])
          $0.student.overRealization = factors
        }
      }, varied: ["student.overRealization"])
    let figure = try Self.draw(results)
    #expect(
      figure.document["spec"]?["encoding"]?["color"]?["scale"]?["domain"] == ["1x", "2-1-1", "1-1-2", "2x", "5x"])
    let colors = Self.colors(figure)
    #expect(Set(colors.values).count == 5 && colors["1x"] == "#0072B2" && colors["5x"] == "#009E73")
    let part = try Self.draw(results, selection: ["student.overRealization": [.text("2-1-1"), .number(2)]])
    #expect(Self.colors(part) == colors.filter { ["2-1-1", "2x"].contains($0.key) })
  }

  @Test func aKeyOfOtherValuesKeepsItsColorsInAStudy() throws {
    let results = Self.sweep(
      [8, 16, 32].map { size in Self.setting { $0.training.batchSize = size } }, varied: ["training.batchSize"])
    let all = Self.colors(try Self.draw(results))
    #expect(Set(all.keys) == ["8", "16", "32"], "what varies has the colours, and not over-realization 1x")
    let part = Self.colors(try Self.draw(results, selection: ["training.batchSize": [.integer(16), .integer(32)]]))
    #expect(part == all.filter { $0.key != "8" })
    #expect(try Self.draw(results).notes.allSatisfy { !$0.contains("Pools") })
  }

  @Test func absoluteWidthsAreNoOverRealization() throws {
    let results = Self.sweep(
      [20, 40].map { nodes in Self.setting { $0.student.widths = LayerWidths([nodes]) } }, varied: ["student.widths"])
    let figure = try Self.draw(results)
    #expect(Set(Self.colors(figure).keys) == ["20", "40"])
    #expect(!figure.document.encoded().contains("1x"))
    let panels = try Self.draw(results, channels: ["color": .nothing, "column": .key("student.widths")])
    #expect(panels.document["facet"]?["header"]?["labelExpr"] == "'student ' + (datum.label)")
    // An apostrophe must not end the text.
    #expect(FigureStyle.heading("student's widths") == "\"student's widths \" + (datum.label)")
  }

  @Test func keysThatVaryBecomeColorsAndPanels() throws {
    let settings = [0.0, 1].flatMap { decay in
      [1.0, 2].flatMap { multiple in
        [8, 16].map { size in
          Self.setting {
            $0.teacher.strengthDecay = decay
            $0.student.overRealization = OverRealization(multiple)
            $0.training.batchSize = size
          }
        }
      }
    }
    let results = Self.sweep(
      settings, varied: ["teacher.strengthDecay", "student.overRealization", "training.batchSize"])
    let figure = try Self.draw(results)
    #expect(figure.document["facet"]?["column"]?["sort"] == ["0", "1"])
    #expect(figure.document["facet"]?["row"]?["sort"] == ["8", "16"])
    #expect(figure.document["title"] == nil)
    let declared = try Self.draw(
      results,
      channels: ["color": .key("training.batchSize"), "column": .nothing, "row": .key("teacher.strengthDecay")])
    #expect(Set(Self.colors(declared).keys) == ["8", "16"])
    #expect(declared.document["facet"]?["sort"] == ["0", "1"])
    #expect(declared.notes.contains("Pools student.overRealization 1, 2."))
  }

  @Test func oneOfZippedKeysIsEnough() throws {
    let settings = [(8, 0.1), (16, 0.2)].map { size, rate in
      Self.setting {
        $0.training.batchSize = size
        $0.training.learningRate = rate
      }
    }
    let keys = ["training.batchSize", "training.learningRate"]
    let figure = try Self.draw(Self.sweep(settings, varied: keys, zipped: [keys]))
    #expect(Set(Self.colors(figure).keys) == ["8", "16"])
    #expect(figure.document["facet"]?["row"] == nil && figure.document["facet"]?["sort"] == ["1"])
  }

  @Test func aFullRankComesLast() throws {
    let results = Self.sweep(
      [0, 4, 8].map { rank in Self.setting { $0.inputs.rank = rank } }, varied: ["inputs.rank"])
    let figure = try Self.draw(results)
    #expect(figure.document["spec"]?["encoding"]?["color"]?["scale"]?["domain"] == ["4", "8", "full"])
  }
}
