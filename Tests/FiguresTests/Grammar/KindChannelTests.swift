import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// Channels of the kinds whose own content takes some of them, and what every kind says of keys that it pools.
@Suite struct KindChannelTests {
  private static let added = "training.batchSize"

  /// The same results for two batch sizes: one more key that varies.
  private static func doubled(_ results: StudyResults) -> StudyResults {
    var doubled = results
    doubled.study.variedKeys.append(added)
    (doubled.study.settings, doubled.runs) = ([], [])
    for size in [8, 16] {
      let offset = doubled.study.settings.count
      doubled.study.settings += results.study.settings.map { setting in
        var setting = setting
        setting.training.batchSize = size
        return setting
      }
      doubled.runs += results.runs.map { record in
        let index = record.run.settingIndex + offset
        return Synthetic.run(
          doubled.study.settings[index], index: index, seed: record.run.seed, outcome: record.outcome,
          record.measurements)
      }
    }
    return doubled
  }

  private static func draw(
    _ kind: FigureDeclaration.Kind, _ results: StudyResults, channels: [String: PlotDeclaration.Axis]? = nil,
    selection: [String: [KeyValue]] = [:], epochs: [Int] = []
  ) throws(FigureError) -> FigureSpecification {
    var declaration = FigureDeclaration(name: "f", kind: kind, selection: selection, epochs: epochs)
    declaration.channels = channels
    return try figureSpecifications(of: declaration, from: results)[0]
  }

  private static func facet(_ figure: FigureSpecification, _ channel: String) -> JSONValue? {
    figure.document["facet"]?[channel]?["sort"]
  }

  private static func rows(_ figure: FigureSpecification) -> [JSONValue] {
    figure.document["data"]?["values"]?.elements ?? []
  }

  private static func pooled(_ figure: FigureSpecification) -> [String] {
    figure.notes.filter { $0.hasPrefix("Pools") }
  }

  @Test("what is learnt has rows by one more key, and the key of colours can be named")
  func layerLearning() throws {
    let results = Self.doubled(SyntheticLayers.learning())
    let figure = try Self.draw(.layerLearning, results)
    #expect(Self.facet(figure, "row") == ["8", "16"])
    #expect(Self.facet(figure, "column") == ["layer 1 (lowest)", "layer 2"])
    #expect(Self.pooled(figure).isEmpty)
    // The mean over the runs of one batch size, as if the other were not there.
    let alone = try Self.draw(.layerLearning, results, selection: [Self.added: [.integer(16)]])
    func heights(_ rows: [JSONValue]) -> [Double] { rows.compactMap { $0["y"]?.number } }
    #expect(heights(Self.rows(figure).filter { $0["q"] == "16" }) == heights(Self.rows(alone)))
    #expect(Self.facet(alone, "row") == nil && Self.rows(alone).allSatisfy { $0["q"] == nil })

    let named = try Self.draw(.layerLearning, results, channels: ["color": .key(Self.added)])
    let colors = named.document["spec"]?["encoding"]?["color"]
    #expect(colors?["title"] == "batch size" && colors?["scale"]?["domain"] == ["8", "16"])
    #expect(Self.facet(named, "row") == ["1x", "2x"] && Self.pooled(named).isEmpty)
    let without = try Self.draw(.layerLearning, results, channels: ["row": .nothing])
    #expect(Self.pooled(without) == ["Pools training.batchSize 8, 16."])
  }

  @Test("values of a key that no run has yet are in no legend and have no panel, and keep their colours")
  func valuesWithoutRuns() throws {
    let results = Self.doubled(SyntheticLayers.learning([1, 2, 5]))
    var partial = results
    partial.runs.removeAll { $0.run.setting.student.overRealization.last == 2 }
    func color(_ figure: FigureSpecification) -> JSONValue? { figure.document["spec"]?["encoding"]?["color"]?["scale"] }
    let (whole, part) = (try Self.draw(.layerLearning, results), try Self.draw(.layerLearning, partial))
    #expect(color(whole)?["domain"] == ["1x", "2x", "5x"] && color(part)?["domain"] == ["1x", "5x"])
    #expect(color(part)?["range"]?[1] == color(whole)?["range"]?[2] && color(part)?["range"]?[1] != nil)
    #expect(Self.facet(part, "row") == ["8", "16"])
    partial.runs.removeAll { $0.run.setting.training.batchSize == 16 }
    #expect(Self.facet(try Self.draw(.layerLearning, partial), "row") == nil)
  }

  @Test("accuracies have panels, each with its teacher")
  func accuracy() throws {
    var results = Self.doubled(SyntheticLayers.learning())
    for run in results.runs.indices where results.runs[run].run.setting.training.batchSize == 16 {
      for place in results.runs[run].measurements.indices
      where results.runs[run].measurements[place].measure == .teacherAccuracies {
        results.runs[run].measurements[place] = .init(.teacherAccuracies, epoch: 0, shape: [2], values: [0.7, 0.6])
      }
    }
    let figure = try Self.draw(.accuracy, results)
    let levels = Self.rows(figure).filter { $0["k"] == "level" }
    #expect(levels.map { $0["p"] } == ["8", "8", "16", "16"])
    #expect(levels.compactMap { $0["y"]?.number } == [0.9, 0.88, 0.7, 0.6])
    #expect(Self.pooled(figure).isEmpty)
    let row = try Self.draw(.accuracy, results, channels: ["row": .key(Self.added)])
    #expect(Self.facet(row, "row") == ["8", "16"])
    #expect(Self.rows(row).filter { $0["k"] == "level" }.map { $0["q"] } == ["8", "8", "16", "16"])
  }

  @Test func bestCorrelationsHaveRows() throws {
    let results = Self.doubled(SyntheticLayers.learning())
    let figure = try Self.draw(.bestCorrelations, results)
    #expect(Self.facet(figure, "row") == ["8", "16"] && Self.pooled(figure).isEmpty)
    let named = try Self.draw(.bestCorrelations, results, channels: ["color": .key(Self.added), "row": .nothing])
    #expect(named.document["spec"]?["encoding"]?["color"]?["scale"]?["domain"] == ["8", "16"])
    #expect(Self.pooled(named).count == 1)
    // Without a key for them, places have no names.
    let rows = try Self.draw(.bestCorrelations, results, channels: ["row": .key("student.overRealization")])
    #expect(rows.document["spec"]?["encoding"]?["x"]?["axis"]?["labels"] == false)
    #expect(named.document["spec"]?["encoding"]?["x"]?["axis"]?["labels"] == nil)
  }

  @Test func verdictsHavePanels() throws {
    let results = SyntheticTheory.multiples([1, 2, 5], decays: [0, 1], seedCount: 2, figures: [])
    let figure = try Self.draw(.verdictShares, results)
    #expect(Self.facet(figure, "column") == ["0", "1"] && Self.pooled(figure).isEmpty)
    // Shares of each bar of each panel are a whole.
    let sums = Dictionary(grouping: Self.rows(figure)) { [$0["p"], $0["x"]] }
      .mapValues { rows in rows.compactMap { $0["y"]?.number }.reduce(0, +) }
    #expect(sums.count == 6 && sums.values.allSatisfy { abs($0 - 1) < 1e-3 })
    let row = try Self.draw(.verdictShares, results, channels: ["row": .key("student.overRealization")])
    #expect(Self.facet(row, "row") == ["1x", "2x", "5x"])
    // Several epochs are columns.
    let epochs = try Self.draw(.verdictShares, results, epochs: [0, 10])
    #expect(epochs.document["facet"]?["column"]?["field"] == "t" && Self.facet(epochs, "row") == ["0", "1"])
    #expect(throws: FigureError.self) {
      try Self.draw(
        .verdictShares, results, channels: ["column": .key("teacher.strengthDecay")], epochs: [0, 10])
    }
  }

  @Test func boundariesHaveRowsOfANamedKey() throws {
    let results = Self.doubled(Synthetic.plane())
    #expect(throws: FigureError.self) { try Self.draw(.boundaries, results) }
    let multiple = try #require(results.study.settings[0].value(of: "student.overRealization"))
    let figure = try Self.draw(
      .boundaries, results, channels: ["row": .key(Self.added)], selection: ["student.overRealization": [multiple]])
    #expect(figure.document["datasets"]?.members.count == 2)
    #expect(figure.document.encoded().contains("batch size"))
  }

  @Test("a channel is a key's, or occupied for a reason", arguments: FigureDeclaration.Kind.allCases)
  func reasons(kind: FigureDeclaration.Kind) {
    for channel in FigureDeclaration.Channel.allCases where !kind.isPlot {
      #expect((kind.objection(to: channel) == nil) == kind.channels.contains(channel), "\(kind) \(channel)")
    }
  }

  @Test("what a figure will pool is known before there are results", arguments: FigureDeclaration.Kind.allCases)
  func warnings(kind: FigureDeclaration.Kind) {
    var count = 0
    for results in ChartTableTests.results.map(Self.doubled) {
      for closed in [false, true] where !kind.isPlot || !closed {
        var declaration = FigureDeclaration.sample(kind, named: "f")
        if closed {
          declaration.channels = Dictionary(uniqueKeysWithValues: kind.channels.map { ($0.rawValue, .nothing) })
        }
        guard let figure = try? figureSpecifications(of: declaration, from: results).first else { continue }
        count += 1
        var study = results.study
        study.figures = [declaration]
        // Of measures nothing is asked here.
        study.record = [RecordRule(measures: Measure.allCases, moments: .every(1))]
        let warned = study.reportWarnings.compactMap { text in
          text.firstRange(of: " Select one").map {
            String(text[text.index(text.startIndex, offsetBy: 10)..<$0.lowerBound])
          }
        }
        #expect(warned == (kind.isScatter ? [] : Self.pooled(figure)), "\(kind)")
      }
    }
    #expect(count > 0 || kind == .boundaries)
  }
}
