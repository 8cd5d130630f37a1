import UnderstudySchema

/// What the runs of one place on a sample axis, series and number of samples reached.
struct SampleShare {
  var series: String
  /// The input dimension, or what else needed samples are held against.
  var place: Double
  var sampleCount: Double
  var shares: [(seed: Int, share: Double)]
}

extension SampleAxis {
  /// Alignments from which on a node counts as aligned, for the axis of them.
  static let levels = [0.3, 0.1, 0.03, 0.01, 0.003]

  /// The axis' title.
  func title(of runs: SelectedRuns) -> String {
    switch self {
    case .key(let path): runs.series(path).title
    case .nodes: "nodes K = m + n"
    case .alignment: "1/ε, ε the alignment that is asked for"
    case .observation: "1/κ, κ the share observed near a boundary"
    }
  }

  /// Exponents of the theory, to be drawn beside those measured: of d for teacher-agnostic and teacher-aware samples before
  /// augmentation.
  var theoryExponents: [Double] {
    switch self {
    case .usual: [1, 2]
    case .nodes: [2.5]
    case .alignment, .observation: [1]
    case .key: []
    }
  }

  /// The keys that it stands for beside its own, so that they are no series.
  private func keys(in study: Study) -> Set<String> {
    switch self {
    case .key(let path): [path]
    case .nodes: ["teacher.hiddenNodes", "teacher.widths", "student.overRealization", "student.widths"]
    case .alignment: []
    case .observation: Set(study.variedKeys).subtracting(["inputs.augmentation", "inputs.distribution"])
    }
  }

  /// The keys that a figure of it shows in another way than by colours.
  func shownKeys(in study: Study) -> Set<String> { keys(in: study).union(["inputs.training.count"]) }

  /// Where a setting lies; nil for an axis that settings do not tell.
  fileprivate func place(of run: RunReader, subject: String) throws(FigureError) -> Double? {
    switch self {
    case .key(let path):
      let value = run.setting.value(of: path)
      let number =
        switch value {
        case .text(let text): Double(text)
        default: value?.number
        }
      guard let number, number > 0 else {
        throw .notPlottable(
          figure: subject,
          reason:
            "\(path) \(value?.shown ?? "without a value") is no number above 0, so that there is no exponent in it")
      }
      return number
    case .nodes: return Double(run.setting.teacher.hiddenWidths[0] + run.setting.studentWidths[0])
    case .alignment, .observation: return nil
    }
  }
}

extension SelectedRuns {
  /// The augmentation, or the key that varies most beside samples and what they are held against.
  func sampleSeries(against axis: SampleAxis) -> SeriesKey {
    mostVaried(["inputs.augmentation"], except: axis.shownKeys(in: study))
  }

  /// Shares of aligned teacher nodes, in the order of the series, then by place and number of samples.
  func sampleShares(by key: SeriesKey, against axis: SampleAxis, epoch: Int?) throws(FigureError) -> [SampleShare] {
    var groups = Gathered<(seed: Int, share: Double)>()
    let runs = try completed()
    let observations = axis == .observation ? try observations(of: runs, epoch: epoch) : [:]
    for run in runs {
      func add(_ place: Double, level: Double = alignmentThreshold) throws(FigureError) {
        groups.add(
          (run.seed, try run.alignedShare(at: epoch, below: level)),
          [Double(key.index(of: run)), place, Double(run.setting.inputs.training.count)])
      }
      switch axis {
      case .alignment: for level in SampleAxis.levels { try add(1 / level, level: level) }
      case .observation:
        if let kappa = observations[run.setting.withoutSampleCount], kappa > 0 { try add(1 / kappa) }
      case .key, .nodes:
        if let place = try axis.place(of: run, subject: subject) { try add(place) }
      }
    }
    return groups.sorted.map { group, shares in
      SampleShare(
        series: key.labels[Int(group[0])], place: group[1], sampleCount: group[2], shares: shares)
    }
  }

  /// The mean kappa of the settings that differ in the number of samples alone, of the runs with most of them.
  private func observations(of runs: [RunReader], epoch: Int?) throws(FigureError) -> [Setting: Double] {
    var means: [Setting: Double] = [:]
    for (setting, runs) in Dictionary(grouping: runs, by: \.setting.withoutSampleCount) {
      let largest = runs.map(\.setting.inputs.training.count).max()
      var values: [Double] = []
      for run in runs where run.setting.inputs.training.count == largest {
        values += try run.vector(.observation, at: epoch)
      }
      means[setting] = mean(values)
    }
    return means
  }
}

extension Setting {
  fileprivate var withoutSampleCount: Setting {
    var setting = self
    setting.inputs.training.count = 0
    return setting
  }
}
