import Foundation
import UnderstudyRecords
import UnderstudySchema

/// Results in the shapes that the theory's studies record, for pictures: gradients that fall, alignments that fall with them,
/// weak nodes late, censored times and bars of every verdict.
enum SyntheticTheory {
  /// Runs of every setting and seed.
  static func study(
    _ settings: [Setting], varied: [String], seedCount: Int, figures: [FigureDeclaration],
    measurements: (Setting, inout Noise) -> [UnderstudySchema.MeasuredValue]
  ) -> StudyResults {
    var runs: [RunRecord] = []
    for (index, setting) in settings.enumerated() {
      for seed in 1...seedCount {
        var noise = Noise(state: UInt64(index * 991 + seed * 37 + 11))
        runs.append(Synthetic.run(setting, index: index, seed: seed, measurements(setting, &noise)))
      }
    }
    return StudyResults(
      study: Study(
        name: "theory", claim: "The theory's statements, measured.", settings: settings, variedKeys: varied,
        seeds: Array(1...seedCount), figures: figures),
      runs: runs)
  }

  /// The bound, unaligned students, observers, times, verdicts and cover: students of 1, 2, 5 and 10 times the teacher.
  static func multiples(
    _ multiples: [Double] = [1, 2, 5, 10], decays: [Double] = [0.5, 1, 2], seedCount: Int, teacherNodes: Int = 10,
    figures: [FigureDeclaration]
  ) -> StudyResults {
    let settings = decays.flatMap { decay in
      multiples.map { Synthetic.setting(decay: decay, multiple: $0, teacherNodes: teacherNodes, epochs: 100) }
    }
    return study(
      settings, varied: ["teacher.strengthDecay", "student.overRealization"], seedCount: seedCount, figures: figures
    ) { setting, noise in
      [0, 1, 2, 5, 10, 20, 50, 100].flatMap { nodeMeasures(of: setting, epoch: $0, noise: &noise) }
    }
  }

  private static func nodeMeasures(
    of setting: Setting, epoch: Int, noise: inout Noise
  ) -> [UnderstudySchema.MeasuredValue] {
    let m = setting.teacher.hiddenNodes
    let multiple = setting.student.overRealization.last
    let n = Int(Double(m) * multiple)
    let progress = epoch == 100 ? 12 : 3 * log10(1 + Double(epoch))
    let gradient = pow(10, 0.5 - progress + 0.2 * noise.normal())
    var alignment: [Double] = []
    var predicted: [Double] = []
    var rho = [Double](repeating: 0.2, count: m * n)
    var verdicts: [Double] = []
    var observers: [Double] = []
    for j in 0..<m {
      let strength = 4 / pow(Double(j + 1), setting.teacher.strengthDecay)
      let isLearned = noise.uniform() < 0.55 + 0.15 * multiple - 0.05 * setting.teacher.strengthDecay * Double(j)
      let count = (Double(n) * (0.3 + 0.4 * noise.uniform())).rounded(.down)
      observers.append(count)
      let eps = min(1, gradient / strength * pow(10, 0.4 * noise.normal()))
      alignment.append(isLearned ? max(eps, 1e-17) : 0.3 + 0.6 * noise.uniform())
      predicted.append(count > 0 && isLearned ? 5 * pow(Double(m + n), 1.5) * gradient / strength : -1)
      if isLearned, eps < 0.1 { rho[j * n] = 0.99 }
      verdicts.append(
        isLearned ? (eps < 1e-6 ? 0 : 1) : [2, 3, 4, 4, 5, 6, 7, 8][Int(noise.uniform() * 8)])
    }
    let strengths = (0..<m).map { 4 / pow(Double($0 + 1), setting.teacher.strengthDecay) }
    let balances = (0..<n).map { _ in gradient * pow(10, 0.5 * noise.normal()) }
    let loss = max(1e-33, gradient * gradient)
    return [
      .init(.alignment, epoch: epoch, shape: [m], values: alignment),
      .init(.predictedAlignment, epoch: epoch, shape: [m], values: predicted),
      .init(
        .studentAlignment, epoch: epoch, shape: [n],
        values: (0..<n).map { $0 < m && $0 % 3 != 2 ? gradient : 0.3 + 0.5 * noise.uniform() }),
      .init(.boundaryStrengths, epoch: epoch, shape: [n], values: balances.map { 0.02 + $0 }),
      .init(.kinkBalances, epoch: epoch, shape: [n], values: balances),
      .init(.largestGradient, epoch: epoch, values: [gradient]),
      .init(.teacherFanOutNorms, epoch: epoch, shape: [m], values: strengths),
      .init(.growthRates, epoch: epoch, shape: [m], values: strengths.map { $0 / 2 }),
      .init(.observerCounts, epoch: epoch, shape: [m], values: observers),
      .init(.verdicts, epoch: epoch, shape: [m], values: verdicts),
      .init(.evaluationCorrelation, epoch: epoch, shape: [m, n], values: rho),
      .init(.evaluationLoss, epoch: epoch, values: [epoch == 0 ? 1 : loss]),
    ]
  }

  /// Shares that rise with samples over d (teacher-aware) or d squared; without augmentation never at d = 40.
  static func samples(seedCount: Int, figures: [FigureDeclaration]) -> StudyResults {
    var settings: [Setting] = []
    for series in InputSetting.Augmentation.allCases {
      for dimension in [5, 10, 20, 40] {
        for count in [300, 1000, 3000, 10_000, 30_000] {
          var setting = Synthetic.setting(decay: 1, teacherNodes: 10, epochs: 1)
          setting.inputs.augmentation = series
          setting.network.inputDimension = dimension
          setting.inputs.training.count = count
          settings.append(setting)
        }
      }
    }
    return study(
      settings, varied: ["inputs.augmentation", "network.inputDimension", "inputs.training.count"],
      seedCount: seedCount, figures: figures
    ) { setting, noise in
      let d = Double(setting.network.inputDimension)
      let scale =
        switch setting.inputs.augmentation {
        case .none: 40 * d * d
        case .teacherAgnostic: 12 * d * d
        case .teacherAware: 30 * d
        }
      let share = 1 / (1 + pow(scale / Double(setting.inputs.training.count), 1.5))
      let values = (0..<10).map { _ in noise.uniform() < share * 1.05 ? 0.01 : 0.6 }
      return [.init(.alignment, epoch: 1, shape: [10], values: values)]
    }
  }

  /// Output noise against decay: strong nodes stand it.
  static func noisy(seedCount: Int, figures: [FigureDeclaration]) -> StudyResults {
    var settings: [Setting] = []
    for decay in [0.5, 1, 2] {
      for level in [0, 0.1, 1] {
        var setting = Synthetic.setting(decay: decay, teacherNodes: 10, epochs: 100)
        setting.training.outputNoise = level
        settings.append(setting)
      }
    }
    return study(
      settings, varied: ["teacher.strengthDecay", "training.outputNoise"], seedCount: seedCount, figures: figures
    ) { setting, noise in
      let times = (1...10).map { j in
        (1 + setting.training.outputNoise) * pow(Double(j), setting.teacher.strengthDecay)
          * (1 + 0.3 * abs(noise.normal()))
      }
      return (0...100).map { epoch in
        .init(.alignment, epoch: epoch, shape: [10], values: times.map { $0 <= Double(epoch) ? 0.05 : 0.5 })
      }
    }
  }

  /// A barrier on the straight line that matching halves; a constructed path of 12 segments, none at 1x.
  static func connections(seedCount: Int, figures: [FigureDeclaration]) -> StudyResults {
    study(
      [1, 2, 5].map { Synthetic.setting(decay: 1, multiple: $0, epochs: 10) }, varied: ["student.overRealization"],
      seedCount: seedCount, figures: figures
    ) { setting, noise in
      let height = pow(10, 0.3 * noise.normal()) / setting.student.overRealization.last
      let base = pow(10, -24 + noise.normal())
      let line = (0..<200).map { index in
        let t = Double(index) / 199
        return 4 * t * (1 - t)
      }
      let hasPath = setting.student.overRealization.last > 1
      let bumps = (0..<2400).map { index in
        let wave = sin(Double(index) / 200 * Double.pi)
        return base * (1 + 30 * abs(wave))
      }
      return [
        .init(.straightPath, epoch: 10, shape: [200], values: line.map { t in base + height * t * t }),
        .init(.matchedPath, epoch: 10, shape: [200], values: line.map { t in base + 1e-3 * height * t }),
        .init(
          .constructedPath, epoch: 10, shape: [hasPath ? 12 : 0, 200],
          values: hasPath ? bumps : []),
      ]
    }
  }

  /// An audit with every verdict and fate.
  static func audit(teacherNodes m: Int = 12, studentNodes n: Int = 40) -> AuditRecord {
    var noise = Noise(state: 3)
    var record = AuditRecord()
    record.version = "0.2.0"
    (record.teacherName, record.studentName, record.inputsName) = ("teacher.safetensors", "s<1>.safetensors", "x.npy")
    (record.sampleCount, record.inputDimension, record.inputRank, record.outputDimension) = (10_000, 20, 20, 50)
    record.bands = [0.01, 0.1]
    (record.largestGradient, record.largestGradientAgnostic, record.largestGradientAware) = (1.2e-9, 3e-9, 2.5e-9)
    (record.augmentationStep, record.hyperplaneCount, record.loss) = (0.1, m + n, 3.2e-20)
    record.etaHat = [
      ConcentrationRecord(band: 0.1, value: 0.61, family: "nodes", description: "teacher node 3"),
      ConcentrationRecord(band: 0.01, value: 0.66, family: "random planes", description: "plane 17"),
    ]
    record.notes = ["2 samples occur more than once; duplicates say nothing new"]
    let verdicts: [AuditVerdict] = [.predictedAndFound, .predictedAndFound, .foundThoughNotPredicted]
    let failures: [AuditVerdict] = [
      .noObserver, .gradientTooLarge, .matchedOnInputs, .lowRankInputs, .duplicate, .violation,
    ]
    for j in 1...m {
      var node = TeacherNodeRecord(node: j)
      node.verdict = j <= 6 ? verdicts[j % 3] : failures[(j - 7) % 6]
      node.reason = node.verdict == .gradientTooLarge ? "gradient too large by a factor 120" : ""
      node.strength = 4 / Double(j)
      node.observerCount = node.verdict == .noObserver ? 0 : 12
      node.alignedStudent = j
      node.matchedStudent = j == 4 ? 9 : j
      node.alignment = node.verdict.isFound ? pow(10, -8 + noise.normal()) : 0.4
      (node.sine, node.correlation) = (node.alignment, node.verdict.isFound ? 1 : 0.6)
      node.isOpposite = j == 2
      node.bands = record.bands.map {
        TeacherBandRecord(band: $0, sampleCount: Int(6000 * $0), tau: 0.6, observerCount: 12, witnessCount: 9)
      }
      if node.observerCount > 0 {
        (node.bestObserver, node.bestObserverKappa, node.bestAlpha) = (j, 0.5, node.strength)
        node.gradientAlignmentAgnostic = 5e3 * pow(10, -8 + noise.normal())
        node.gradientAlignmentAware = (node.gradientAlignmentAgnostic ?? 0) / 4.5
        node.predictedAlignment = node.gradientAlignmentAware
      }
      record.teacherNodes.append(node)
    }
    for k in 1...n {
      var node = StudentNodeRecord(node: k)
      node.fate = k <= m ? .carries : k % 2 == 0 ? .merged : .removed
      node.alignedTeacher = node.fate == .removed ? nil : (k - 1) % m + 1
      node.mergedInto = node.fate == .merged ? (k - 1) % m + 1 : nil
      node.alignment = node.fate == .removed ? 0.3 + 0.6 * noise.uniform() : pow(10, -8 + noise.normal())
      node.strength = node.fate == .removed ? pow(10, -9 + noise.normal()) : 0.5 + noise.uniform()
      (node.fanOutNorm, node.kinkBalance, node.group) = (node.strength, 1e-9 * noise.uniform(), (k - 1) % m + 1)
      node.isDead = k == n
      record.studentNodes.append(node)
    }
    (record.student.nodeCount, record.student.carryingCount, record.student.mergeableCount) = (n, m, (n - m) / 2)
    (record.student.removableCount, record.student.mergedNodeCount) = ((n - m) / 2, m)
    (record.student.largestOutputChange, record.student.outputScale) = (2.1e-10, 3.4)
    record.student.weightError = 4.4e-11
    return record
  }
}
