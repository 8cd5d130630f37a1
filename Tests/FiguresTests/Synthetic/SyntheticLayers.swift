import Foundation
import UnderstudyRecords
import UnderstudySchema

/// Results of deep runs that no network was trained for: layers that specialize from the bottom up, sooner in wider students.
enum SyntheticLayers {
  static func setting(_ widths: [Int], multiple: Double = 1, decay: Double = 0, epochs: Int = 10) -> Setting {
    var setting = Synthetic.setting(decay: decay, multiple: multiple, epochs: epochs)
    setting.teacher.widths = LayerWidths(widths)
    return setting
  }

  /// What `layerWidths` records.
  static func widths(_ teacher: [Int], _ student: [Int], epoch: Int = 0) -> UnderstudySchema.MeasuredValue {
    .init(.layerWidths, epoch: epoch, shape: [2, teacher.count], values: (teacher + student).map(Double.init))
  }

  static func vector(_ measure: Measure, _ epoch: Int, _ values: [Double]) -> UnderstudySchema.MeasuredValue {
    .init(measure, epoch: epoch, shape: [values.count], values: values)
  }

  /// A run whose teacher nodes all have the best rho of their layer: `series[epoch]` has one for each layer.
  static func run(
    _ widths: [Int], _ series: [Int: [Double]], seed: Int = 1, index: Int = 0, multiple: Double = 1
  ) -> RunRecord {
    let correlations = series.sorted { $0.key < $1.key }.map { epoch, rho in
      vector(.layerCorrelations, epoch, zip(widths, rho).flatMap { Array(repeating: $1, count: $0) })
    }
    let setting = setting(widths, multiple: multiple)
    return Synthetic.run(
      setting, index: index, seed: seed, [Self.widths(widths, setting.studentWidths)] + correlations)
  }

  /// Teachers x multiples x seeds, for pictures.
  static func study(
    _ teachers: [[Int]], multiples: [Double], seedCount: Int, epochs: Int = 100, figures: [FigureDeclaration] = [],
    findings: [FindingDeclaration] = []
  ) -> StudyResults {
    let settings = teachers.flatMap { widths in
      multiples.map { setting(widths, multiple: $0, epochs: epochs) }
    }
    let recorded = [0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100].filter { $0 <= epochs }
    var results = SyntheticTheory.study(
      settings, varied: ["teacher.widths", "student.overRealization"], seedCount: seedCount, figures: figures
    ) { setting, noise in
      let delay = noise.normal() * 0.1
      return [Self.widths(setting.teacher.hiddenWidths, setting.studentWidths)]
        + recorded.flatMap { measurements(of: setting, epoch: $0, delay: delay, noise: &noise) }
    }
    results.study.findings = findings
    return results
  }

  /// Students that learn from a teacher, and others of labels, at several over-realizations.
  static func learning(
    _ multiples: [Double] = [1, 2], seedCount: Int = 2, epochs: Int = 3, figures: [FigureDeclaration] = []
  ) -> StudyResults {
    let settings = multiples.flatMap { multiple in
      [TrainingSetting.Loss.squaredError, .labels].map { loss in
        var setting = setting([3, 2], multiple: multiple, epochs: epochs)
        setting.training.loss = loss
        return setting
      }
    }
    return SyntheticTheory.study(
      settings, varied: ["student.overRealization", "training.loss"], seedCount: seedCount, figures: figures
    ) { setting, noise in
      let gain = setting.training.loss == .labels ? 0.05 : 0.1 * setting.student.overRealization.last
      return [
        widths([3, 2], setting.studentWidths), .init(.teacherAccuracies, epoch: 0, shape: [2], values: [0.9, 0.88]),
      ]
        + (0...epochs).flatMap { epoch in
          let rho = (0..<5).map { _ in 0.3 + gain * Double(epoch) + 0.05 * noise.uniform() }
          let share = 0.5 + 0.1 * Double(epoch) + 0.02 * noise.uniform()
          return [
            vector(.layerCorrelations, epoch, rho), .init(.evaluationAccuracy, epoch: epoch, values: [share]),
            .init(.evaluationAgreement, epoch: epoch, values: [share - 0.1]),
          ]
        }
    }
  }

  private static func measurements(
    of setting: Setting, epoch: Int, delay: Double, noise: inout Noise
  ) -> [UnderstudySchema.MeasuredValue] {
    let multiple = setting.student.overRealization.last
    var (teacher, student, dead, strengths): ([Double], [Double], [Double], [Double]) = ([], [], [], [])
    for (layer, width) in setting.teacher.hiddenWidths.enumerated() {
      // Layer l is half there at epoch 3 (l + 1)^1.5 / sqrt(multiple); the highest of narrow students hardly ever.
      let half = 3 * pow(Double(layer + 1), 1.5) / multiple.squareRoot() * exp(delay)
      let rise = 1 / (1 + pow(half / Double(max(epoch, 1)), 2))
      let ceiling = multiple == 1 && layer >= 3 ? 0.7 : 0.999
      teacher += (0..<width).map { _ in 0.35 + (ceiling - 0.35) * rise + 0.02 * noise.uniform() * (1 - rise) }
      for node in 0..<setting.studentWidths[layer] {
        let isDead = noise.uniform() < 0.03
        let isAligned = node < width || noise.uniform() < 0.3
        let rho = 0.25 + 0.4 * noise.uniform()
        let reached = isAligned ? rho + (ceiling - 0.002 * noise.uniform() - rho) * rise : rho
        dead.append(isDead ? 1 : 0)
        student.append(isDead ? 0 : reached)
        let strength = reached > 0.9 ? 0.4 + 0.8 * noise.uniform() : 0.02 + 0.25 * noise.uniform()
        strengths.append(isDead ? 0 : strength * Double(layer + 1) / multiple.squareRoot())
      }
    }
    let loss = 0.3 * pow(Double(1 + epoch), -1 - 0.1 * multiple) * exp(0.2 * noise.normal())
    return [
      vector(.layerCorrelations, epoch, teacher), vector(.layerStudentCorrelations, epoch, student),
      vector(.layerDeadNodes, epoch, dead), vector(.layerStrengths, epoch, strengths),
      .init(.evaluationLoss, epoch: epoch, values: [loss]),
    ]
  }
}
