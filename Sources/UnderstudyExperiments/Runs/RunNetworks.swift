import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema

/// The two networks of a run, before training.
struct RunNetworks {
  /// Plain: a normalised one is folded, as its statistics never move.
  let teacher: Teacher
  let student: Student

  /// - Parameters:
  ///   - studentKey: the random key of a drawn student.
  ///   - artifacts: what other runs have made.
  /// - Throws: ``ExperimentError`` if a network file cannot be read or the student does not fit the teacher.
  init(_ run: Run, studentKey: UInt64, sharing artifacts: Artifacts) throws(ExperimentError) {
    let (teacherSetting, studentSetting) = (run.setting.teacher, run.setting.student)
    let activation = Activation(run.setting.network)
    let unfolded = try artifacts.network(.teacher(of: run)) { () throws(ExperimentError) in
      guard let file = teacherSetting.file else { return try Self.drawnTeacher(run) }
      return try file.network(activation)
    }
    let teacher = Teacher(unfolded.folded)
    let student: Student
    if let file = studentSetting.file {
      student = Student(try file.network(activation))
      guard !student.network.isPlain || student.network.hasBiases == teacher.network.hasBiases else {
        throw .input("\(file.path): of teacher and student one has biases and the other none; give both or neither")
      }
    } else {
      student = try ExperimentError.catching(run.place) { () throws(ShapeError) in
        try StudentDesign(studentSetting, of: unfolded).draw(for: teacher, key: studentKey)
      }
    }
    try ExperimentError.catching(studentSetting.file?.path ?? run.place) { () throws(ShapeError) in
      try student.checkFits(teacher)
    }
    (self.teacher, self.student) = (teacher, student)
  }

  private static func drawnTeacher(_ run: Run) throws(ExperimentError) -> Network {
    let (design, inputs) = (TeacherDesign(run.setting.teacher, of: run.setting.network), run.setting.inputs)
    var calibration: Matrix?
    if design.needsCalibration, let file = inputs.training.file {
      calibration = try file.matrix()
    } else if design.needsCalibration {
      calibration = try ExperimentError.catching(run.place) { () throws(ShapeError) in
        // Inputs ask a teacher for its width only, which it has before its calibration.
        var plain = design
        (plain.medianBiases, plain.normalizedOutput, plain.normalization) = (false, false, nil)
        return InputDesign(plain: inputs, count: 10_000)
          .draw(for: try plain.draw(key: run.randomKey), key: run.randomKey, purpose: .calibrationInputs)
      }
    }
    let sample = calibration
    return try ExperimentError.catching(run.place) { () throws(ShapeError) in
      try design.draw(key: run.randomKey, calibration: sample).network
    }
  }
}
