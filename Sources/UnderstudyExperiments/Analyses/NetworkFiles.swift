import UnderstudyNetworks
import UnderstudyNumerics

/// A teacher and a student from files that fit each other.
struct FilePair {
  let teacher: Teacher
  let student: Student

  init(teacherPath: String, studentPath: String, activation: Activation) throws(ExperimentError) {
    let (teacher, student) = (
      Teacher(try readNetwork(teacherPath, activation)), Student(try readNetwork(studentPath, activation))
    )
    try ExperimentError.catching(studentPath) { () throws(ShapeError) in try student.checkFits(teacher) }
    (self.teacher, self.student) = (teacher, student)
  }
}

/// A network from a file, batch normalisation folded.
func readNetwork(_ path: String, _ activation: Activation) throws(ExperimentError) -> Network {
  let (network, slope) = try ExperimentError.reading { () throws(FileError) in
    (try NetworkFile.read(path: path, activation: activation), try NetworkFile.negativeSlope(path: path))
  }
  if let slope, slope != activation.negativeSlope {
    throw .input(
      "\(path): the file says that its nodes have a slope of \(slope) on the negative side, not "
        + "\(activation.negativeSlope); give --activation leakyRelu --leaky-slope \(slope)")
  }
  return network.folded
}

/// Inputs or outputs `[sample, feature]` from an array file.
func readSamples(_ path: String) throws(ExperimentError) -> Matrix {
  try ExperimentError.reading { () throws(FileError) in try ArrayFile.readMatrix(path: path) }
}
