import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// Figures of any quantity: which numbers stand where.
@Suite struct PlotTests {
  private static let sweep = Synthetic.sweep(decays: [0, 1], multiples: [1, 2, 5], seedCount: 4)

  private func drawn(
    _ quantity: PlotDeclaration.Quantity, as kind: FigureDeclaration.Kind = .plot, epochs: [Int] = [],
    of results: StudyResults = sweep, selection: [String: [KeyValue]] = [:],
    _ change: (inout PlotDeclaration) -> Void = { _ in }
  ) throws(FigureError) -> FigureSpecification {
    var plot = PlotDeclaration(quantity)
    change(&plot)
    let figure = FigureDeclaration(name: "f", kind: kind, selection: selection, epochs: epochs, plot: plot)
    return try figureSpecifications(of: figure, from: results)[0]
  }

  /// The rows of the data that have all of these members.
  private func rows(_ figure: FigureSpecification, _ members: [String: JSONValue]) -> [JSONValue] {
    (figure.document["data"]?["values"]?.elements ?? []).filter { row in members.allSatisfy { row[$0] == $1 } }
  }

  @Test("a measure over the epochs: medians and quartiles of the runs of each setting")
  func epochs() throws {
    let figure = try drawn(.measure(.evaluationLoss)) { $0.scale = .logarithmic }
    let wanted = Self.sweep.runs.filter { $0.run.settingIndex == 4 }.flatMap(\.measurements)
      .filter { $0.measure == .evaluationLoss && $0.epoch == 7 }.map { $0.values[0] }
    #expect(wanted.count == 4)
    let found = rows(figure, ["o": "2x", "p": "strength decay p 1", "x": 7])
    #expect(found.count == 1)
    for (field, expected) in [
      ("y", median(wanted)), ("a", quantile(0.25, of: wanted)), ("b", quantile(0.75, of: wanted)),
    ] {
      let value = try #require(found.first?[field]?.number)
      let exact = try #require(expected)
      #expect(abs(value - exact) < 1e-4 * exact)
    }
    #expect(found.first?["n"] == 4)
    #expect(rows(figure, [:]).count == 101 * 6)
    #expect(!figure.notes.joined().contains("Pools"))
  }

  @Test("a statistic over a key equals the statistic of those runs; means and each run")
  func statistic() throws {
    let figure = try drawn(.statistic(.recoveredShare)) {
      ($0.x, $0.color, $0.band) = (.key("student.overRealization"), .key("teacher.strengthDecay"), .seeds)
    }
    let values = try statisticValues(
      .recoveredShare, of: Self.sweep, by: ["teacher.strengthDecay", "student.overRealization"])
    for value in values {
      let multiple = try #require(value.group["student.overRealization"].flatMap(Double.init))
      let at: [String: JSONValue] = ["o": .text(value.group["teacher.strengthDecay"] ?? ""), "x": .number(multiple)]
      let middle = try #require(rows(figure, at.merging(["k": "middle"]) { $1 }).first?["y"]?.number)
      #expect(abs(middle - (try #require(value.value))) < 1e-5)
      #expect(rows(figure, at.merging(["k": "run"]) { $1 }).count == 4)
      #expect(rows(figure, at.merging(["k": "run", "s": "seed 3"]) { $1 }).count == 1, "a line for each seed")
    }
    #expect(figure.notes.contains { $0.contains("mean over runs (4 at each place)") })
  }

  @Test("a place that is alone on its line has a bar in place of a band, which would have no width")
  func singlePlaces() throws {
    func bars(_ figure: FigureSpecification) -> Int {
      "\(figure.document)".components(separatedBy: "datum.e").count - 1
    }
    let whole = try drawn(.measure(.evaluationLoss)) { $0.x = .epoch }
    #expect(rows(whole, ["e": true]).isEmpty && bars(whole) == 0)
    let last = Self.sweep.study.settings[0].lastEpoch
    let single = try drawn(.measure(.evaluationLoss), epochs: [last]) { $0.x = .epoch }
    #expect(!rows(single, ["k": "middle", "e": true]).isEmpty && bars(single) > 0)
  }

  @Test("a statistic that is of all runs together has no band")
  func together() throws {
    let figure = try drawn(.statistic(.armRatio)) { $0.x = .key("student.overRealization") }
    let found = rows(figure, ["x": 2, "o": "1"])
    #expect(found.count == 1 && found[0]["n"] == 1 && found[0]["a"] == nil)
    let value = try statisticValues(
      .armRatio, of: Self.sweep, by: ["teacher.strengthDecay", "student.overRealization"]
    ).first { $0.group == ["teacher.strengthDecay": "1", "student.overRealization": "2"] }?.value
    #expect(found[0]["y"] == .display(try #require(value)))
    #expect(figure.notes.contains { $0.contains("all its runs together") })
  }

  @Test("matrices are reduced axis by axis; nodes as places")
  func reductions() throws {
    let byNode = try drawn(.measure(.evaluationCorrelation)) {
      ($0.reductions, $0.x, $0.band) = ([.largest], .node, .none)
    }
    let run = try #require(Self.sweep.runs.first { $0.run.settingIndex == 0 })
    let runs = Self.sweep.runs.filter { $0.run.settingIndex == 0 }
    let best = try runs.map { record in
      let table = try #require(
        record.measurements.first { $0.measure == .evaluationCorrelation && $0.epoch == 100 }.flatMap(
          CorrelationTable.init))
      return (0..<table.studentCount).map { table[2, $0] }.max() ?? 0
    }
    #expect(run.measurements.contains { $0.measure == .evaluationCorrelation })
    let found = rows(byNode, ["o": "1x", "p": "strength decay p 0", "x": 3])
    #expect(abs((found.first?["y"]?.number ?? 0) - (mean(best) ?? 1)) < 1e-5)
    // The share above 0.95 of the best is the share of recovered nodes.
    let share = try drawn(.measure(.evaluationCorrelation), epochs: [100]) {
      ($0.reductions, $0.x, $0.band) = ([.largest, .shareAbove(0.95)], .key("student.overRealization"), .none)
    }
    let statistic = try drawn(.statistic(.recoveredShare), epochs: [100]) {
      ($0.x, $0.band) = (.key("student.overRealization"), .none)
    }
    #expect(rows(share, [:]).map { $0["y"] } == rows(statistic, [:]).map { $0["y"] })
    #expect(share.document["layer"] != nil || share.document["spec"] != nil)
  }

  @Test("layers as panels, one layer, and students' as well as teachers' nodes")
  func layers() throws {
    let results = SyntheticLayers.study([[5, 7]], multiples: [1, 2], seedCount: 2)
    let figure = try drawn(.measure(.layerCorrelations), of: results) {
      ($0.reductions, $0.column) = ([.mean], .layer)
    }
    #expect(Set(rows(figure, [:]).compactMap { $0["p"]?.text }) == ["layer 1 (lowest)", "layer 2"])
    let values = try statisticValues(
      .layerCorrelation, of: results, by: ["student.overRealization"], layers: [2])
    let one = try drawn(.measure(.layerCorrelations), of: results) {
      ($0.reductions, $0.layer, $0.x, $0.band) = ([.mean], 2, .key("student.overRealization"), .none)
    }
    #expect(rows(one, [:]).compactMap { $0["y"] } == values.compactMap { $0.value.map(JSONValue.display) })
    let students = try drawn(.measure(.layerStudentCorrelations), of: results) {
      ($0.reductions, $0.column, $0.x) = ([.shareAbove(0.9)], .layer, .key("student.overRealization"))
    }
    #expect(rows(students, [:]).count == 4)
    let statistic = try drawn(.statistic(.layerCorrelation), of: results) {
      ($0.column, $0.x) = (.layer, .key("student.overRealization"))
    }
    #expect(rows(statistic, ["p": "layer 2"]).count == 2)
  }

  @Test("a heat map takes the two keys that vary, and says what it pools")
  func heatMap() throws {
    let figure = try drawn(.statistic(.recoveredShare), as: .heatMap)
    #expect(rows(figure, [:]).count == 6)
    #expect(rows(figure, ["x": "5x", "y": "1"]).count == 1)
    let pooled = try drawn(.statistic(.recoveredShare)) {
      ($0.x, $0.color, $0.row, $0.column) = (.key("student.overRealization"), .nothing, .nothing, .nothing)
    }
    #expect(pooled.document["title"]?["text"]?[0] == "Pools teacher.strengthDecay 0, 1.")
    #expect(rows(pooled, ["x": 1]).first?["n"] == 8)
  }

  @Test("of keys that go together one is shown, and the other is not called pooled")
  func zipped() throws {
    var results = Self.sweep
    // Decay and multiple as one axis: 0 with 1x, 1 with 5x.
    results.study.zippedKeys = [["teacher.strengthDecay", "student.overRealization"]]
    results.study.settings = [results.study.settings[0], results.study.settings[5]]
    results.runs = results.runs.filter { [0, 5].contains($0.run.settingIndex) }.map { record in
      Synthetic.run(
        record.run.setting, index: record.run.settingIndex == 0 ? 0 : 1, seed: record.run.seed, record.measurements)
    }
    let figure = try drawn(.measure(.evaluationLoss), of: results)
    #expect(Set(rows(figure, [:]).compactMap { $0["o"]?.text }) == ["0", "1"])
    #expect(
      rows(figure, [:]).allSatisfy { $0["p"] == nil }
        && figure.document["title"]?["text"]?[0] == "With teacher.strengthDecay goes student.overRealization: 1, 5.")
  }

  @Test("of several keys that go along, the one is named that says which value")
  func partners() throws {
    var results = Self.sweep
    results.study.variedKeys.append("training.learningRate")
    results.study.zippedKeys = [["teacher.strengthDecay", "student.overRealization", "training.learningRate"]]
    for index in results.study.settings.indices {
      let decay = results.study.settings[index].teacher.strengthDecay
      results.study.settings[index].training.learningRate = decay > 0 ? 0.1 : 0.2
    }
    let figure = try drawn(.measure(.evaluationLoss), of: results) {
      ($0.x, $0.color) = (.key("student.overRealization"), .key("teacher.strengthDecay"))
    }
    #expect(
      figure.document["title"]?["text"]?[0] == "With teacher.strengthDecay goes training.learningRate: 0.2, 0.1.")
  }

  @Test("a logarithmic scale says what it leaves out, and counts the rest")
  func zeros() throws {
    var results = Self.sweep
    for index in results.runs.indices where results.runs[index].run.settingIndex == 0 {
      let isFirst = results.runs[index].run.seed == 0
      results.runs[index].measurements = [MeasuredValue(.evaluationLoss, epoch: 100, values: [isFirst ? 0 : 1])]
    }
    for band in PlotDeclaration.Band.allCases {
      let figure = try drawn(.measure(.evaluationLoss), epochs: [100], of: results) {
        ($0.scale, $0.band, $0.x) = (.logarithmic, band, .key("student.overRealization"))
      }
      let middle = rows(figure, ["k": "middle", "x": 1, "o": "0"])
      #expect(middle.first?["n"] == 3 && middle.first?["y"] == 1)
      #expect(figure.notes.contains { $0.hasPrefix("1 value of single runs that cannot be drawn") })
    }
  }

  @Test("where something never happens in a run, the median of all of them is drawn, without a band")
  func never() throws {
    let whole = Synthetic.sweep(decays: [0], multiples: [1], seedCount: 3)
    let results = StudyResults(
      study: whole.study,
      runs: whole.runs.map { record in
        let rho = record.run.seed == 2 ? 0.5 : 0.99
        return Synthetic.run(
          record.run.setting, index: 0, seed: record.run.seed,
          [1, 100].map { epoch in
            MeasuredValue(
              .evaluationCorrelation, epoch: epoch, shape: [1, 1],
              values: [epoch == 1 && record.run.seed == 1 ? 0 : rho])
          })
      })
    let figure = try drawn(.statistic(.epochsToCover), of: results) { $0.x = .key("student.overRealization") }
    let found = rows(figure, ["x": 1])
    // Epochs 1, 100 and never: the median is 100, not 50.5.
    #expect(found.count == 1 && found[0]["y"] == 100 && found[0]["a"] == nil)
    #expect(figure.notes.contains { $0.contains("all its runs together") })
  }

  @Test("a key of which one value alone is left, because all other runs diverged, takes no channel")
  func diverged() throws {
    var results = Self.sweep
    for index in results.runs.indices where results.runs[index].run.setting.teacher.strengthDecay == 1 {
      results.runs[index].outcome = .diverged(epoch: 3)
    }
    let figure = try drawn(.statistic(.recoveredShare), of: results)
    #expect(rows(figure, [:]).allSatisfy { $0["p"] == nil } && rows(figure, [:]).count == 6, "3 widths at 2 epochs")
    #expect(figure.notes.contains { $0.hasPrefix("12 diverged runs are left out: ") && $0.contains("and 10 more") })
    #expect(!figure.notes.joined().contains("Pools"))
  }

  @Test("runs that are over before an epoch are left out there, and the others are drawn")
  func unequalEpochs() throws {
    var results = Synthetic.sweep(decays: [1], multiples: [1, 2], seedCount: 2)
    let short = Synthetic.sweep(decays: [1], multiples: [1, 2], seedCount: 2, epochs: 20)
    results.study.settings += short.study.settings
    results.study.variedKeys.append("training.epochs")
    for record in short.runs {
      var moved = Synthetic.run(
        record.run.setting, index: record.run.settingIndex + 2, seed: record.run.seed, record.measurements)
      moved.outcome = record.outcome
      results.runs.append(moved)
    }
    for quantity in [PlotDeclaration.Quantity.measure(.evaluationLoss), .statistic(.logEvaluationLoss)] {
      let figure = try drawn(quantity, epochs: [10, 60], of: results) { $0.x = .epoch }
      #expect(rows(figure, ["x": 10]).count == 4 && rows(figure, ["x": 60]).count == 2, "\(quantity.name)")
      #expect(figure.notes.contains("Runs of fewer epochs are left out at epoch 60."))
    }
  }

  @Test("runs in which a key has no effect stand at none, not at its first value")
  func idle() throws {
    var results = Self.sweep
    for index in results.study.settings.indices where results.study.settings[index].teacher.strengthDecay == 1 {
      results.study.settings[index].network.activation = .leakyRelu
      results.study.settings[index].network.leakySlope = 0.2
    }
    results.study.variedKeys = ["network.leakySlope", "student.overRealization"]
    let figure = try drawn(.statistic(.recoveredShare), of: results) {
      ($0.x, $0.color) = (.key("network.leakySlope"), .nothing)
    }
    #expect(rows(figure, ["x": "0.2"]).count == 3 && rows(figure, ["x": "none"]).count == 3)
    #expect(rows(figure, ["x": "none"]).allSatisfy { $0["n"] == 4 })
  }

  @Test("on an axis of texts colours stand beside each other")
  func texts() throws {
    var results = Self.sweep
    results.study.variedKeys = ["student.overRealization", "training.batchOrder"]
    for index in results.study.settings.indices where results.study.settings[index].teacher.strengthDecay == 1 {
      results.study.settings[index].training.batchOrder = .reshuffled
    }
    let figure = try drawn(.statistic(.recoveredShare), of: results) { $0.x = .key("training.batchOrder") }
    #expect(figure.document["encoding"]?["xOffset"]?["field"] == "o")
    #expect(try drawn(.statistic(.recoveredShare)).document["encoding"]?["xOffset"] == nil)
  }

  @Test("what cannot be drawn says what to change")
  func refused() {
    func reason(_ body: () throws(FigureError) -> FigureSpecification) -> String {
      do throws(FigureError) {
        _ = try body()
        return ""
      } catch {
        return error.description
      }
    }
    #expect(reason { () throws(FigureError) in try drawn(.measure(.evaluationCorrelation)) }.contains("give reduce"))
    #expect(
      reason { () throws(FigureError) in
        try drawn(.measure(.evaluationLoss)) { $0.reductions = [.mean] }
      }.contains("one number already"))
    #expect(reason { () throws(FigureError) in try drawn(.measure(.alignment)) }.contains("alignment is not recorded"))
    #expect(
      reason { () throws(FigureError) in
        try drawn(.measure(.fanOutNorms)) { ($0.layer, $0.reductions) = (1, [.mean]) }
      }.contains("does not list hidden layers"))
    #expect(
      reason { () throws(FigureError) in
        try drawn(.statistic(.recoveredShare), as: .heatMap, selection: ["teacher.strengthDecay": [.integer(1)]])
      }.contains("two axes") == false)
    #expect(
      reason { () throws(FigureError) in
        try drawn(.statistic(.coveredShare)) { $0.x = .epoch }
      }.contains("looks for its epochs itself"))
    #expect(
      reason { () throws(FigureError) in
        try drawn(.measure(.evaluationLoss), epochs: [3, 9]) { $0.x = .key("student.overRealization") }
      }.contains("shows them nowhere"))
  }
}
