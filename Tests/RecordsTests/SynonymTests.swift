import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// Keys and values by the names that other programs use: the message names what means the same.
@Suite struct SynonymTests {
  /// Name, what it is called here.
  @Test(arguments: [
    ("lr", "training.learningRate"), ("training.lr", "training.learningRate"),
    ("training.eta", "training.learningRate"),
    ("batch", "training.batchSize"), ("training.minibatch_size", "training.batchSize"), ("bs", "training.batchSize"),
    ("epochs_count", "training.epochs"), ("num_epochs", "training.epochs"), ("training.max_epochs", "training.epochs"),
    ("hidden_size", "teacher.hiddenNodes or student.widths"), ("width", "teacher.hiddenNodes or student.widths"),
    ("n_hidden", "teacher.hiddenNodes or student.widths"), ("student.n_hidden", "student.widths"),
    ("overparam", "student.overRealization"), ("p", "teacher.strengthDecay"),
    ("teacher.hidden_dim", "teacher.hiddenNodes"),
    ("student.hidden_size", "student.widths"), ("student.width", "student.widths"),
    ("teacher.width", "teacher.hiddenNodes"),
    ("optimizer", "training.method"), ("wd", "training.weightDecay"), ("training.l2", "training.weightDecay"),
    ("n_samples", "inputs.training.count"), ("test_size", "inputs.evaluation.count"), ("random_state", "seeds"),
    ("n_features", "network.inputDimension"), ("num_classes", "network.outputDimension"),
    ("nonlinearity", "network.activation"), ("negative_slope", "network.leakySlope"), ("use_bias", "network.biases"),
    ("student.batch_norm", "student.normalization"), ("dtype", "training.precision"), ("metrics", "record"),
    ("lr_scheduler", "training.learningRates"), ("criterion", "training.loss"), ("model", "network"),
    ("data", "inputs"),
  ])
  func keysOfOtherPrograms(name: String, path: String) throws {
    for text in ["\(name): 1", "scales: {quick: {\(name): 1}}"] {
      let error = try #require(thrown(StudyError.self) { _ = try parse(text) })
      #expect(error.kind == .unknownKey && error.key == name, "\(error)")
      #expect(error.remedy == "here it is called \(path)", "\(error)")
    }
    let override = try #require(thrown(StudyError.self) { _ = try parse("seeds: 1", overrides: ["\(name)=1"]) })
    #expect(override.remedy == "here it is called \(path)", "\(override)")
    let study = try parse("seeds: 1")
    let selection = try #require(thrown(StudyError.self) { _ = try study.selection(["\(name)=1"]) })
    #expect(selection.remedy == "here it is called \(path)", "\(selection)")
  }

  /// The same name means other things at other places.
  @Test(arguments: [
    ("record: [{metrics: [trainingLoss], every: 1}]", "here it is called measures"),
    ("record: [{measures: [trainingLoss], interval: 1}]", "here it is called every"),
    ("record: [{measures: [accuracy], every: 1}]", "here it is called evaluationAgreement"),
    ("record: [{measures: [loss], every: 1}]", "here it is called evaluationLoss"),
    ("figures: [{title: a, kind: lShape}]", "here it is called caption"),
    ("figures: [{name: a, type: lShape}]", "here it is called kind"),
    ("findings: [{statement: a, metric: armRatio, min: 1}]", "here it is called statistic"),
    ("findings: [{statement: a, statistic: armRatio, min: 1}]", "here it is called atLeast"),
    ("training: {loss: mse}", "here it is called squaredError"),
    ("training: {precision: double}", "here it is called float64; give one of float64, float32"),
    ("student: {initialization: kaiming}", "here it is called he"),
    ("dropout: 0.5", "there is no dropout here"), ("training: {early_stopping: true}", "no early stopping"),
    ("training: {betas: 1}", "training.method: adam has"), ("training: {beta1: 0.9}", "training.method: adam has"),
    ("training: {eps: 1e-8}", "training.method: adam has"), ("training: {label_smoothing: 0.1}", "not smoothed here"),
    ("training: {warmup_steps: 10}", "training.learningRates"), ("training: {gamma: 0.5}", "training.learningRates"),
    ("device: cuda", "this machine's processors"), ("threads: 4", "--threads"),
    ("loss: mse", "nearest known one is training.loss"), ("momentum: 0.9", "nearest known one is training.momentum"),
    ("training: {weight_decay: 0.1}", "nearest known one is training.weightDecay"),
    ("zzz: 1", "(`understudy keys` lists all)"),
    ("training: {learning_rate: 1}", "nearest known one is training.learningRate"),
    ("evalCorr: 1", "evaluationCorrelation is a measure; give it in record"),
    ("training: {evaluationLoss: 1}", "evaluationLoss is a measure"),
    ("recoveredShare: 1", "recoveredShare is a statistic"), ("lShape: 1", "lShape is a kind of figure"),
    ("record: [{measures: [evalCorr], last: true}]", "here it is called evaluationCorrelation"),
    ("record: [{measures: [recovered], last: true}]", "recoveredShare is a statistic"),
    ("figures: [{name: a, kind: heatmap}]", "nearest known one is heatMap"),
    ("figures: [{name: a, kind: scatter}]", "here it is called plot"),
    ("figures: [{name: a, kind: plot, y: eval_corr}]", "here it is called evaluationCorrelation"),
    ("figures: [{name: a, kind: plot, y: evaluationLoss, hue: seed}]", "here it is called color"),
    (
      "figures: [{name: a, kind: plot, y: evaluationLoss, x: steps}]",
      "here it is called epoch or training.stepsPerEpoch"
    ),
    ("figures: [{name: a, kind: plot, y: evaluationCorrelation, reduce: max}]", "here it is called best"),
    ("findings: [{statement: a, statistic: recovery, atLeast: 0}]", "here it is called recoveredShare"),
  ])
  func namesOfOtherPlaces(text: String, remedy: String) throws {
    let error = try #require(thrown(StudyError.self) { _ = try parse(text) })
    #expect(error.remedy.contains(remedy), "\(error)")
  }

  /// A table that names what is not there would lead astray.
  @Test func everyNameExists() {
    let choices = StudyKey.all.flatMap { key -> [String] in
      guard case .choice(let names) = key.form else { return [] }
      return names
    }
    let lists: [[String]] = [
      StudyKey.all.map(\.path), Array(StudyKey.groups), StudyOverlay.declarations, Measure.allCases.map(\.rawValue),
      choices,
      ["name", "scales", "measures", "every", "epochs", "last", "kind", "caption", "where", "statement", "statistic"],
      PlotDeclaration.Reduction.texts, ["color", "column", "row", "reduce", "node"],
      FindingDeclaration.Statistic.allCases.map(\.rawValue), FigureDeclaration.Kind.allCases.map(\.rawValue),
      // The commands; bad_input.sh asks the program for some.
      ["run", "report", "status", "statistics", "export", "forget", "extract", "check", "audit", "recover", "connect"],
      ["prune", "convert", "outputs", "keys", "bench"],
      ["epoch", "layer", "atLeast", "atMost"], PlotDeclaration.Band.allCases.map(\.rawValue),
      PlotDeclaration.Scale.allCases.map(\.rawValue),
    ]
    #expect(Synonyms.targets.subtracting(lists.joined()) == [])
    #expect(Synonyms.targets.count > 40)
  }

  @Test func seedsAreChosenByTheirOption() throws {
    let study = try parse("seeds: 3")
    let error = try #require(thrown(StudyError.self) { _ = try study.selection(["seeds=1"]) })
    #expect(error.description.contains("cannot select by seeds") && error.remedy.contains("--seed"), "\(error)")
  }

  @Test(arguments: [
    ("repor", "report"), ("reprot", "report"), ("stats", "status"), ("exprt", "export"), ("audti", "audit"),
    ("rum", "run"), ("train", "run"), ("show", "report"), ("two-lyer", nil), ("x", nil), ("ab", nil),
  ])
  func slipsHaveALikelyName(name: String, likely: String?) {
    let commands = ["run", "reproduce", "status", "export", "report", "audit", "connect", "recover", "keys", "bench"]
    #expect(likelyName(for: name, among: commands) == likely)
  }

  @Test(arguments: [
    ("two-layer-sweep", "two-layer"), ("deep-samples-full", "deep-samples"), ("two-dim", "two-dimensional"),
    ("obser", "observers"), ("deep-", "deep"), ("unaligned", nil), ("tw", nil), ("sweep", nil),
  ])
  func namesBeginAlike(name: String, likely: String?) {
    let studies = [
      "deep", "deep-samples", "deep-bound", "observers", "two-layer", "two-dimensional", "unaligned-layers",
      "unaligned-students",
    ]
    #expect(likelyName(for: name, among: studies) == likely)
  }
}

/// YAML that people write by habit.
@Suite struct YAMLHabitTests {
  @Test func mergeKeysAreApplied() throws {
    let text = """
      training: &usual {epochs: 7, learningRate: 0.2}
      scales:
        quick:
          training:
            <<: *usual
            epochs: 3
      figures:
        - &first {name: a, kind: lShape, caption: words}
        - <<: *first
          name: b
        - <<: [{caption: other, name: c}, *first]
      """
    let study = try parse(text, scale: "quick")
    #expect(study.settings.map(\.training.epochs) == [3])
    #expect(study.settings.map(\.training.learningRate) == [0.2])
    #expect(study.figures.map(\.name) == ["a", "b", "c"])
    #expect(study.figures.map(\.caption) == ["words", "words", "other"])
    #expect(Set(study.figures.map(\.kind)) == [.lShape])
  }

  @Test(arguments: [
    ("training: {<<: 3}", "<<", "expected keys to merge, found 3"), ("training: {<<: [1]}", "<<", "found 1"),
    ("training:\n  <<:\n  epochs: 3", "<<", "found nothing"),
    ("training: {'<<': {epochs: 3}}", "training.<<", "unknown key"),
    ("training: {<<: {epochz: 3}}", "training.epochz", "unknown key"),
  ])
  func badMergesAreRefused(text: String, key: String, problem: String) throws {
    let error = try #require(thrown(StudyError.self) { _ = try parse(text) })
    #expect(error.key == key && error.problem.contains(problem), "\(error)")
  }

  /// A comma as the decimal mark: where it makes two values, and where it makes a text.
  @Test(arguments: [
    ("training: {learningRate: 0,001}", "0.001"), ("training: {learningRate: 0,5, epochs: 3}", "0.5"),
    ("training:\n  learningRate: [0,001]", "0.001"), ("training.learningRate: [0.1, 0,05]", "0.05"),
    ("training: {learningRate: 1,5e-3}", "1.5e-3"), ("teacher: {bias: -0,25}", "-0.25"),
    ("training:\n  learningRate: 0,001", "0.001"), ("student.overRealization: 1,5", "1.5"),
    ("findings: [{statement: a, statistic: armRatio, atLeast: 0,5}]", "0.5"),
  ])
  func decimalCommasAreNoticed(text: String, number: String) throws {
    let error = try #require(thrown(StudyError.self) { _ = try parse(text) })
    #expect(error.remedy.contains("write \(number)"), "\(error)")
    #expect(error.remedy.contains("point"), "\(error)")
  }

  @Test func decimalCommasOfTheCommandLineAreNoticed() throws {
    let error = try #require(
      thrown(StudyError.self) { _ = try parse("seeds: 1", overrides: ["training.learningRate=0,001"]) })
    #expect(error.remedy.contains("write 0.001 with a point"), "\(error)")
    let study = try parse("teacher.strengthDecay: [0, 0.5]")
    let other = try #require(thrown(StudyError.self) { _ = try study.selection(["teacher.strengthDecay=0,5"]) })
    #expect(other.remedy.contains("write 0.5 with a point"), "\(other)")
  }

  /// Other habits whose messages name the cure.
  @Test(arguments: [
    ("training: {epochs: 10,000}", "write 10000, or 10.000 with a point"),
    ("training:\n  epochs: 10,000", "write 10000, or 10.000 with a point"),
    ("training: {epochs: '10'}", "write 10 without quotes"), ("teacher: {bias: '-0.5'}", "write -0.5 without quotes"),
    ("seeds: 1-5", "a list, e.g. seeds: [1, 2, 3]"), ("teacher: {widths: [50, 50]}", "is written 50-50"),
  ])
  func otherHabitsAreAnswered(text: String, remedy: String) throws {
    let error = try #require(thrown(StudyError.self) { _ = try parse(text) })
    #expect(error.remedy.contains(remedy), "\(error)")
  }

  /// Lists without spaces, and integers that are filled with zeros, are what they were.
  @Test func listsAreNoDecimals() throws {
    #expect(try parse("seeds: [0,1,2]").seeds == [0, 1, 2])
    #expect(try parse("seeds: [01, 02, 03]").seeds == [1, 2, 3])
    #expect(try parse("student: {overRealization: [1,5,10]}").settings.map(\.student.overRealization) == [1, 5, 10])
    #expect(try parse("teacher: {bias: [0,0.5,-1]}").settings.map(\.teacher.bias) == [0, 0.5, -1])
  }

  /// Seeds of PyTorch (`torch.initial_seed()`) have 64 bits: any that a signed integer holds, exactly.
  @Test func seedsOfSixtyFourBits() throws {
    let seeds = [0, 1 << 31, (1 << 53) + 1, Int.max - 1, Int.max]
    #expect(try parse("seeds: \(seeds)").seeds == seeds)
    let study = try parse("seeds: \(seeds)")
    #expect(Set(study.runs.map(\.hash)).count == seeds.count)
    #expect(study.runs.map(\.seed) == seeds)
  }
}
