import UnderstudySchema

/// How much of each hidden layer is learnt over the epochs, a panel for each layer: students of one over-realization that learn
/// from different things lie in one panel, and so does what untrained ones of the same width have.
func layerLearningFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try LayerReader.of(try chart.runs.completed())
  var curves = LearningCurves(of: chart)
  let depth = runs.map(\.depth).max() ?? 1
  for layer in 0..<depth {
    let panel = "layer \(layerLabel(layer + 1))"
    var untrained = Gathered<Double>()
    for reader in runs {
      for (epoch, means) in try reader.specialization(at: chart.epochs) where layer < means.count {
        curves.add(means[layer], of: reader.run, at: epoch, panel: panel)
        if epoch == 0 {
          untrained.add(
            means[layer], [curves.color.index(of: reader.run), curves.row(of: reader.run)].map(Double.init))
        }
      }
    }
    for (key, values) in untrained.sorted {
      guard let level = mean(values) else { continue }
      let multiple = curves.color.labels[Int(key[0])]
      curves.add(
        .init(name: "\(multiple) untrained", overRealization: multiple, value: level), panel: panel, row: Int(key[1]))
    }
  }
  return chart.specification(
    "Line charts, one for each of \(depth) hidden layers: mean best correlation over the epochs, a colour for each "
      + "\(curves.color.title)\(curves.strokeWords)\(curves.channels.panelWords).",
    notes: [
      "Mean over the teacher's nodes of a layer of the best ρ with a student node of that layer, on evaluation data; the teacher "
        + "is what the student learns from. Dotted: students of the same width before training."
        + LearningCurves.bandWords(runCount: curves.runCount)
    ], curves.members(chart.style, title: "mean best ρ", format: "~g"))
}

/// The accuracy of students on the evaluation data's labels over the epochs, with that of the teacher and of its oracle.
func accuracyFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  var curves = LearningCurves(of: chart)
  /// By column, then row.
  var teachers = Gathered<[Double]>()
  let column = curves.channels.column
  for run in runs {
    let panel = column.isVaried ? column.label(of: run) : ""
    for measurement in try run.series(.evaluationAccuracy)
    where chart.epochs.isEmpty || chart.epochs.contains(measurement.epoch) {
      // Before training, it is that of chance, and would take most of the height.
      if measurement.epoch > 0 { curves.add(try run.scalar(measurement), of: run, at: measurement.epoch, panel: panel) }
    }
    if let both = run.record.measurements.first(where: { $0.measure == .teacherAccuracies }) {
      teachers.add(try run.vector(both, count: 2), [column.index(of: run), curves.row(of: run)].map(Double.init))
    }
  }
  for (key, accuracies) in teachers.sorted {
    let panel = column.isVaried ? column.labels[Int(key[0])] : ""
    for (place, name) in ["teacher", "oracle"].enumerated() {
      if let level = mean(accuracies.map { $0[place] }) {
        curves.add(.init(name: name, overRealization: nil, value: level), panel: panel, row: Int(key[1]))
      }
    }
  }
  return chart.specification(
    "A line chart: accuracy of the students on the labels of the evaluation data over the epochs, a colour for each "
      + "\(curves.color.title)\(curves.strokeWords)\(curves.channels.panelWords).",
    notes: [
      "Share of the evaluation data whose largest output is that of the label. Dashed: the teacher, and the oracle that the "
        + "students learn from." + LearningCurves.bandWords(runCount: curves.runCount)
    ], curves.members(chart.style, title: "accuracy", format: ".0%"))
}
